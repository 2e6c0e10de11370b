"""What the projections make of single entries, and what they declare."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater import CQRSManager
from headwater.demo.incidents.commands import EntryCommand
from headwater.demo.incidents.desk import desk
from headwater.demo.incidents.projections import Incidents, Months, Sla, Totals
from headwater.demo.incidents.read_models import GroupTotal, IncidentView, Month, SlaView, Transition
from headwater.projections.handler import ProjectionHandler, declaration_of
from tests.demo.incidents.rows import entry

NUMBER = "INC0000045"


@pytest.fixture
async def cqrs() -> AsyncIterator[CQRSManager]:
    async with desk("memory://") as opened:
        yield opened


async def see(cqrs: CQRSManager, *commands: EntryCommand) -> None:
    for command in commands:
        await cqrs.commands.execute(command, wait_for=[Incidents, Sla, Months, Totals])


@pytest.mark.parametrize(
    ("projection", "key", "commutative"),
    [(Incidents, None, False), (Sla, "number", False), (Months, None, True), (Totals, None, True)],
)
def test_incidents_follow_their_stream_promises_their_key_and_totals_accumulate(
    projection: type[ProjectionHandler], key: str | None, commutative: bool
) -> None:
    declared = declaration_of(projection)
    assert (declared.key, declared.commutative) == (key, commutative)


async def test_an_incident_is_as_its_last_entry_has_it(cqrs: CQRSManager) -> None:
    await see(cqrs, entry(1, sys_mod_count="0"), entry(2, sys_mod_count="9", incident_state="Active"))
    await see(cqrs, entry(3, sys_mod_count="11", assignment_group="Group 70", incident_state="Active"))
    row = await cqrs.read_models.get(IncidentView, NUMBER)
    assert row is not None
    assert (row.entries, row.first_state, row.state, row.group) == (3, "New", "Active", "Group 70")
    assert (row.modifications, row.most_modifications) == (11, 11)
    assert not row.count_stood
    assert not row.clock_went_back


async def test_dirt_is_remembered_once_it_is_seen(cqrs: CQRSManager) -> None:
    late, early = "2016-02-29T09:00:00Z", "2016-02-29T08:00:00Z"
    await see(cqrs, entry(1, sys_mod_count="4", sys_updated_at=late))
    await see(cqrs, entry(2, sys_mod_count="4", sys_updated_at=early))
    await see(cqrs, entry(3, sys_mod_count="5", sys_updated_at=late))
    row = await cqrs.read_models.get(IncidentView, NUMBER)
    assert row is not None
    assert (row.count_stood, row.clock_went_back) == (True, True)


async def test_the_highest_count_outlives_a_lower_one(cqrs: CQRSManager) -> None:
    await see(cqrs, entry(1, sys_mod_count="4"), entry(2, sys_mod_count="2"))
    row = await cqrs.read_models.get(IncidentView, NUMBER)
    assert row is not None
    assert (row.modifications, row.most_modifications) == (2, 4)


async def test_the_promise_is_the_last_and_the_resolution_the_first(cqrs: CQRSManager) -> None:
    first = {"incident_state": "Resolved", "sys_updated_at": "2016-02-29T02:16:00Z"}
    second = {"incident_state": "Resolved", "sys_updated_at": "2016-02-29T09:16:00Z"}
    await see(cqrs, entry(1), entry(2, **first), entry(3, incident_state="Active"))
    await see(cqrs, entry(4, **second, made_sla="false", priority="1 - Critical"))
    row = await cqrs.read_models.get(SlaView, NUMBER)
    assert row is not None
    assert (row.resolved_after, row.made_sla, row.priority) == (3600, False, "1 - Critical")


async def test_a_month_counts_openings_and_first_closings(cqrs: CQRSManager) -> None:
    march = "2016-03-01T00:00:00Z"
    await see(cqrs, entry(1), entry(2, incident_state="Closed", sys_updated_at=march))
    await see(cqrs, entry(3, incident_state="Active", reopen_count="1", sys_updated_at=march))
    await see(cqrs, entry(4, incident_state="Closed", reassignment_count="1", sys_updated_at=march))
    february, later = await cqrs.read_models.find(Month)
    assert (february.month, february.entries, february.opened, february.closed) == ("2016-02", 1, 1, 0)
    assert (later.entries, later.opened, later.closed, later.reassigned, later.reopened) == (3, 0, 1, 1, 1)


async def test_opening_is_no_transition_and_nobody_is_a_group(cqrs: CQRSManager) -> None:
    await see(cqrs, entry(1, incident_state="Resolved", assignment_group=""), entry(2, incident_state="Closed"))
    (path,) = await cqrs.read_models.find(Transition)
    assert (path.path, path.times) == ("Resolved -> Closed", 1)
    groups = {row.group: row.entries for row in await cqrs.read_models.find(GroupTotal)}
    assert groups == {"?": 1, "Group 56": 1}
