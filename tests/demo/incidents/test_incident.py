"""What an entry means, and what an incident refuses, through the command bus."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from headwater import CQRSManager, DomainError
from headwater.demo.incidents.commands import EntryCommand, OpenIncident, UpdateIncident
from headwater.demo.incidents.desk import desk
from headwater.demo.incidents.events import (
    Entry,
    IncidentClosed,
    IncidentOpened,
    IncidentReassigned,
    IncidentReopened,
    IncidentResolved,
    IncidentUpdated,
    StateChanged,
)
from headwater.demo.incidents.incident import AlreadyOpened, EntryOutOfOrder, NotOpened
from tests.demo.incidents.rows import entry


@pytest.fixture
async def cqrs() -> AsyncIterator[CQRSManager]:
    async with desk("memory://", run_projections=False) as opened:
        yield opened


async def events(cqrs: CQRSManager, *commands: EntryCommand) -> list[object]:
    """What the last of them leaves."""
    receipts = [await cqrs.commands.execute(command) for command in commands]
    assert receipts[-1].result == len(commands)
    return list(receipts[-1].events)


def as_command(kind: type[EntryCommand], command: EntryCommand) -> EntryCommand:
    return msgspec.convert(msgspec.structs.asdict(command), kind)


async def test_an_entry_keeps_what_the_row_says(cqrs: CQRSManager) -> None:
    command = entry(assigned_to="Resolver 89", reassignment_count="2", sys_mod_count="7")
    (opened,) = await events(cqrs, command)
    assert isinstance(opened, IncidentOpened)
    said = msgspec.structs.asdict(command)
    said["at"] = said.pop("updated_at")
    assert msgspec.structs.asdict(opened) == said
    assert opened.month == "2016-02"


async def test_an_entry_that_changes_no_state_is_a_note(cqrs: CQRSManager) -> None:
    (updated,) = await events(cqrs, entry(1), entry(2, assigned_to="Resolver 89"))
    assert isinstance(updated, IncidentUpdated)


async def test_one_entry_may_mean_several_things(cqrs: CQRSManager) -> None:
    changed = {"incident_state": "Active", "reassignment_count": "1", "reopen_count": "1", "assignment_group": ""}
    updated, moved, reassigned, reopened = await events(cqrs, entry(1), entry(2, **changed))
    assert isinstance(updated, Entry)
    assert type(moved) is StateChanged
    assert (moved.was, moved.state, moved.line) == ("New", "Active", 2)
    assert isinstance(reassigned, IncidentReassigned)
    assert (reassigned.was, reassigned.reassignments, reassigned.group) == (0, 1, None)
    assert isinstance(reopened, IncidentReopened)
    assert (reopened.was, reopened.reopens) == (0, 1)


async def test_resolutions_and_closings_are_counted(cqrs: CQRSManager) -> None:
    states = ["New", "Resolved", "Closed", "Active", "Resolved", "Closed"]
    commands = [entry(version, incident_state=state) for version, state in enumerate(states, 1)]
    _, closed = await events(cqrs, *commands)
    assert isinstance(closed, IncidentClosed)
    assert (closed.was, closed.times) == ("Resolved", 2)
    found = [event.data async for event in cqrs.read_log(category="incident")]
    assert [event.times for event in found if isinstance(event, IncidentResolved)] == [1, 2]


@pytest.mark.parametrize(("state", "kind"), [("Resolved", IncidentResolved), ("Closed", IncidentClosed)])
async def test_an_incident_may_be_done_when_it_is_opened(cqrs: CQRSManager, state: str, kind: type[object]) -> None:
    _, done = await events(cqrs, entry(incident_state=state))
    assert isinstance(done, kind)
    assert isinstance(done, StateChanged)
    assert done.was is None


async def test_a_resolution_says_how_long_it_took(cqrs: CQRSManager) -> None:
    done = {"incident_state": "Resolved", "sys_updated_at": "2016-02-29T03:16:00Z"}
    _, resolved = await events(cqrs, entry(1), entry(2, **done))
    assert isinstance(resolved, IncidentResolved)
    assert resolved.open_seconds == 2 * 3600


@pytest.mark.parametrize(
    "dirt",
    [
        {"sys_updated_at": "2016-02-28T00:00:00Z"},
        {"sys_mod_count": "0"},
        {"reassignment_count": "0"},
        {"reopen_count": "0"},
    ],
)
async def test_dirt_is_kept_as_it_is(cqrs: CQRSManager, dirt: dict[str, str]) -> None:
    before = {"reassignment_count": "3", "reopen_count": "1", "sys_mod_count": "5"}
    command = entry(2, **before | dirt)
    (updated,) = await events(cqrs, entry(1, **before), command)
    assert isinstance(updated, IncidentUpdated)
    said = (updated.at, updated.modifications, updated.reassignments, updated.reopens)
    assert said == (command.updated_at, command.modifications, command.reassignments, command.reopens)


async def test_a_state_that_is_none_is_one(cqrs: CQRSManager) -> None:
    _, moved = await events(cqrs, entry(1), entry(2, incident_state="-100"))
    assert type(moved) is StateChanged
    assert moved.state == "-100"


@pytest.mark.parametrize(
    ("first", "second", "refusal"),
    [
        (entry(1), entry(1), AlreadyOpened),
        (None, entry(2), NotOpened),
        (entry(1), entry(3), EntryOutOfOrder),
        (entry(1), as_command(UpdateIncident, entry(1)), EntryOutOfOrder),
        (entry(1), as_command(OpenIncident, entry(2)), AlreadyOpened),
    ],
)
async def test_what_does_not_follow_is_refused(
    cqrs: CQRSManager, first: EntryCommand | None, second: EntryCommand, refusal: type[DomainError]
) -> None:
    if first is not None:
        await cqrs.commands.execute(first)
    with pytest.raises(refusal, match="line"):
        await cqrs.commands.execute(second)
    assert len([event async for event in cqrs.read_log(category="incident")]) == (first is not None)


async def test_an_entry_sent_again_is_answered_from_the_record(cqrs: CQRSManager) -> None:
    await cqrs.commands.execute(entry(1), command_id="a")
    await cqrs.commands.execute(entry(2), command_id="b")
    assert (await cqrs.commands.execute(entry(1), command_id="a")).result == 1
    assert len([event async for event in cqrs.read_log(category="incident")]) == 2
