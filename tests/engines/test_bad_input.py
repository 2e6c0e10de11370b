"""What no engine takes in: the exact error, the same everywhere, and a store that stays as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest

from headwater.domain.append import Append, CommandRecord, UniqueKey, Write
from headwater.domain.event import NewEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion, Exact
from headwater.errors import (
    CheckpointConflict,
    DuplicateEventId,
    IdempotencyMismatch,
    InvalidId,
    InvalidIdentifier,
    InvalidMessage,
    InvalidVersion,
    LimitExceeded,
    UniqueKeyTaken,
    UnknownName,
    WrongExpectedVersion,
)
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.ports.exports import Exports
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit, Reset
from headwater.ports.snapshots import Snapshot
from headwater.testing.clock import ManualClock
from headwater.testing.controls import (
    ANN,
    BOB,
    MAIL,
    Tally,
    append_of,
    command_of,
    contents,
    events_of,
    log_of,
    new_event,
)


@pytest.fixture
async def engine(url: str, clock: ManualClock) -> AsyncIterator[Engine]:
    engine = open_engine(url, EngineOptions(clock=clock))
    await engine.open()
    await engine.events.append(append_of(ANN, [TAKEN], claims=(MAIL,), command=command_of("c1")))
    yield engine
    await engine.close()


TAKEN = new_event()

BAD_IDS: dict[str, tuple[str, type[Exception]]] = {
    "empty": ("", InvalidId),
    "70,000 bytes": ("x" * 70_000, LimitExceeded),
    "513 bytes": ("x" * 513, LimitExceeded),
    "513 bytes of 171 characters": ("€" * 171, LimitExceeded),
    "NUL": ("a\0b", InvalidId),
    "newline": ("a\nb", InvalidId),
    "terminal escape": ("a\x1b[31mb", InvalidId),
    "lone surrogate": ("\ud800", InvalidId),
    "normal form D": ("e\u0301", InvalidId),
    "zero width": ("a\u200bb", InvalidId),
    "right-to-left override": ("a\u202eb", InvalidId),
    "line separator": ("a\u2028b", InvalidId),
}
BAD_CATEGORIES = ("", "User", "user-x", "x" * 49, "a\0", "\ud800", 'x"; DROP TABLE events;--')


def bad_id_appends() -> dict[str, tuple[Append, type[Exception]]]:
    """Every bad id in every place an append has for one."""
    cases: dict[str, tuple[Append, type[Exception]]] = {}
    for name, (id, error) in BAD_IDS.items():
        key = UniqueKey("mail", id)
        cases[f"stream id: {name}"] = append_of(StreamId("user", id)), error
        cases[f"claimed key: {name}"] = append_of(BOB, claims=(key,)), error
        cases[f"released key: {name}"] = append_of(BOB, releases=(key,)), error
        cases[f"partition key: {name}"] = append_of(BOB, partition_key=id), error
        cases[f"command id: {name}"] = append_of(BOB, command=command_of(id)), error
    for category in BAD_CATEGORIES:
        cases[f"category: {category!a}"] = append_of(StreamId(category, "x")), InvalidIdentifier
    return cases


def write_of_events(*events: NewEvent) -> Append:
    return Append(writes=(Write(stream=BOB, expected=AnyVersion(), events=events),), command=command_of("c2"))


BAD_APPENDS: dict[str, tuple[Append, type[Exception]]] = bad_id_appends() | {
    "no events": (write_of_events(), InvalidMessage),
    "1,001 events": (write_of_events(*events_of(1_001)), LimitExceeded),
    "65,536 events": (write_of_events(*events_of(65_536)), LimitExceeded),
    "an event id twice": (write_of_events(new_event(), TAKEN, TAKEN), DuplicateEventId),
    "an event id of another stream": (write_of_events(new_event(), TAKEN), DuplicateEventId),
    "an event id of 15 bytes": (write_of_events(NewEvent(b"x" * 15, "Noted", 1, b"{}")), InvalidMessage),
    "a payload above its limit": (write_of_events(new_event(data=b'"' + b"x" * (256 << 10) + b'"')), LimitExceeded),
    "payloads above the limit of an append": (
        write_of_events(*[new_event(data=b'"' + b"x" * (250 << 10) + b'"') for _ in range(5)]),
        LimitExceeded,
    ),
    "metadata above its limit": (append_of(BOB, context=b'"' + b"x" * (16 << 10) + b'"'), LimitExceeded),
    "a result above its limit": (
        append_of(BOB, command=CommandRecord(id="c2", name="Note", fingerprint=b"f", result=b"x" * ((256 << 10) + 1))),
        LimitExceeded,
    ),
    "a command id with another payload": (append_of(BOB, command=command_of("c1", "other")), IdempotencyMismatch),
    "a version that is not there": (append_of(ANN, 1, Exact(2**63 - 1)), WrongExpectedVersion),
    "a key of another stream": (append_of(BOB, claims=(UniqueKey("a", "b"), MAIL)), UniqueKeyTaken),
}


OF_ANOTHER_STREAM = ("an event id of another stream", "a command id with another payload")
"""What an engine whose appends are of one stream each does not look for."""


SEEN_BY_ALL = tuple([case for case in BAD_APPENDS if ": " in case and not case.endswith((": NUL", ": 70,000 bytes"))])
"""Of the bad ids those that are refused by one rule, before any engine is asked."""


@pytest.mark.parametrize(
    "case",
    [
        *[case for case in BAD_APPENDS if case not in {*OF_ANOTHER_STREAM, *SEEN_BY_ALL}],
        *[pytest.param(case, marks=pytest.mark.transactional) for case in OF_ANOTHER_STREAM],
        *[pytest.param(case, marks=pytest.mark.above_engines) for case in SEEN_BY_ALL],
    ],
)
async def test_a_bad_append_is_refused_and_leaves_nothing(engine: Engine, case: str) -> None:
    append, error = BAD_APPENDS[case]
    before = await contents(engine, MAIL, UniqueKey("a", "b"))
    with pytest.raises(error) as caught:
        await engine.events.append(append)
    assert type(caught.value) is error
    assert await contents(engine, MAIL, UniqueKey("a", "b")) == before
    await engine.events.append(append_of(ANN))
    assert len(await log_of(engine)) == 2


@pytest.mark.parametrize("version", [-1, 2**63, True, 1.0, "1", float("nan"), None])
async def test_what_is_no_version_is_none(engine: Engine, version: object) -> None:
    bad = cast("int", version)
    with pytest.raises(InvalidVersion):
        Exact(bad)
    with pytest.raises(InvalidVersion):
        await engine.events.load(ANN, bad)
    with pytest.raises(InvalidVersion):
        await engine.log.read(0, bad, 10)
    with pytest.raises(InvalidVersion):
        await engine.log.read(0, 0, bad)
    with pytest.raises(InvalidVersion):
        await engine.log.read(bad, 0, 10)
    with pytest.raises(InvalidVersion):
        await engine.commands.list(bad)
    with pytest.raises(InvalidVersion):
        await engine.admin.streams(limit=bad)
    with pytest.raises(InvalidVersion):
        await engine.projections.commit(ProjectionCommit(place=Place("p"), epoch=1, start=0, next=bad))


@pytest.mark.parametrize("number", [-1, 2**63, True, 1.0, "1"])
async def test_what_is_no_number_of_the_read_side_is_none(engine: Engine, number: object) -> None:
    bad = cast("int", number)
    await engine.read_model_schema.ensure([Tally])
    for commit in (
        ProjectionCommit(place=Place("p"), epoch=bad, start=0, next=1),
        ProjectionCommit(place=Place("p"), epoch=1, start=bad, next=1),
        ProjectionCommit(place=Place("p"), epoch=1, start=0, next=1, effects=bad),
    ):
        with pytest.raises(InvalidVersion):
            await engine.projections.commit(commit)
    with pytest.raises(InvalidVersion):
        await engine.projections.reset(Reset(projection="p", generation=0, epoch=bad))
    with pytest.raises(InvalidVersion):
        await engine.parking.parked("p", limit=bad)
    with pytest.raises(InvalidVersion):
        await engine.journal.entries(limit=bad)
    with pytest.raises(InvalidVersion):
        await engine.unique_keys.held(limit=bad)
    assert list(await engine.projections.checkpoints()) == []


@pytest.mark.transactional
@pytest.mark.parametrize("number", [-1, 2**63, True, 1.0, "1", 0])
async def test_what_is_no_number_of_rows_is_no_page_of_an_export(engine: Engine, number: object) -> None:
    await engine.read_model_schema.ensure([Tally])
    assert isinstance(engine, Exports)
    with pytest.raises(InvalidVersion):
        _ = [part async for part in engine.export("p", 0, [Tally], cast("int", number))]


@pytest.mark.transactional
async def test_a_generation_that_is_none_is_not_exported(engine: Engine) -> None:
    await engine.read_model_schema.ensure([Tally])
    assert isinstance(engine, Exports)
    with pytest.raises(UnknownName):
        _ = [part async for part in engine.export("p", 3, [Tally])]


async def test_a_generation_that_is_none_takes_nothing(engine: Engine) -> None:
    await engine.read_model_schema.ensure([Tally])
    with pytest.raises(CheckpointConflict):
        await engine.projections.commit(ProjectionCommit(place=Place("p", 0, 3), epoch=1, start=0, next=1))
    with pytest.raises(CheckpointConflict):
        await engine.projections.reset(Reset(projection="p", generation=3, epoch=1, models=[Tally]))
    with pytest.raises(UnknownName):
        await engine.generations.swap("p", 3)
    with pytest.raises(UnknownName):
        await engine.generations.swap("p", 0)
    with pytest.raises(UnknownName):
        await engine.generations.rows("p", 3, [Tally]).get(Tally, "a")
    with pytest.raises(UnknownName):
        await engine.generations.rows("p", 0, []).get(Tally, "a")
    assert not await engine.generations.drop("p", 3)
    assert list(await engine.projections.checkpoints()) == []
    assert list(await engine.generations.all()) == []


async def test_ids_that_differ_are_different(engine: Engine) -> None:
    """Case twins, compositions in normal form, right-to-left letters, text that means something elsewhere."""
    ids = ["Ann", "ANN", "é", "e", "אב", "ß", "ss", "../etc", "%2e%2e", "=1+1", "' OR 1=1 --", "%", "_", "x" * 512]
    for count, id in enumerate(ids, 1):
        stream, key = StreamId.of("user", id), UniqueKey("mail", id)
        await engine.events.append(append_of(stream, count, Exact(0), claims=(key,), command=command_of(id)))
    for count, id in enumerate(ids, 1):
        stream = StreamId.of("user", id)
        assert await engine.events.head(stream) == count
        assert [event.stream for event in await engine.events.load(stream)] == [str(stream)] * count
        assert await engine.unique_keys.holder(UniqueKey("mail", id)) == str(stream)
        assert await engine.commands.find(id) is not None
    assert await engine.events.count("user") == len(ids) + 1


async def test_a_checkpoint_ahead_of_the_log_reads_nothing_and_skips_nothing(engine: Engine) -> None:
    """A log restored from an older backup: the store keeps what it is told, whoever reads can see it."""
    await engine.projections.commit(ProjectionCommit(place=Place("p"), epoch=1, start=0, next=1_000))
    kept = await engine.projections.checkpoint(Place("p"))
    page = await engine.log.read(0, kept.offset, 10)
    assert (list(page.events), page.next) == ([], 1_000)
    assert await engine.log.head(0) < kept.offset


async def test_a_snapshot_of_another_kind_is_none(engine: Engine) -> None:
    await engine.snapshots.save(Snapshot(stream="user-ann", kind="User/1", version=9, state=b"{}"))
    assert await engine.snapshots.load("user-ann", "User/2") is None
    assert await engine.snapshots.load("user-bob", "User/1") is None
