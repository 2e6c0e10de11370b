"""Taken for granted: what the protocol of the log expects of Cassandra and its driver, on a real node."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from headwater.domain.event import NewEvent
from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.engines.cassandra.location import Location
from headwater.engines.cassandra.protocol.replies import APPLIED, NotApplied
from headwater.engines.cassandra.protocol.requests import (
    AppendEvents,
    DeleteIntents,
    FenceChunk,
    InsertIntent,
    ListSlots,
    ReadRows,
    ReadRowSerially,
    ReadStatics,
    ScanSlot,
    WriteLogged,
)
from headwater.engines.cassandra.protocol.rows import EventRow, Intent, Statics
from headwater.engines.cassandra.tables.intent_table import IntentTable
from headwater.engines.cassandra.tables.stream_table import StreamTable
from headwater.errors import LimitExceeded, StoreMismatch, StoreUnavailable
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, BOB, append_of, new_event
from tests.engines.cassandra_servers import fresh_keyspace
from tests.faults.cql_proxy import CqlProxy, before, proxies_before

STREAM = "user-ann"
SLOT = 100
INTENT = Intent(0, SLOT, b"attempt 1", STREAM, 0, 1, 1, None)


@pytest.fixture
async def engine() -> AsyncIterator[CassandraEngine]:
    """No sequencer looks at what these tests write behind its back."""
    async with fresh_keyspace(partitions="1", sequencers="off") as url:
        engine = open_engine(url, EngineOptions())
        await engine.open()
        yield engine
        await engine.close()


@pytest.fixture
def streams(engine: CassandraEngine) -> StreamTable:
    return StreamTable(engine._session)


@pytest.fixture
def intents(engine: CassandraEngine) -> IntentTable:
    return IntentTable(engine._session)


def rows(*versions: int, attempt: bytes = b"attempt 1") -> tuple[EventRow, ...]:
    return tuple([EventRow(version, attempt, version, NewEvent(b"0" * 16, "noted", 1, b"{}")) for version in versions])


def appended(head: int | None, fence: int | None, *versions: int) -> AppendEvents:
    return AppendEvents(STREAM, 0, head, fence, rows(*versions), None)


async def versions(streams: StreamTable, start: int = 1) -> list[int]:
    return [row.version for row in await streams.read_rows(ReadRows(STREAM, 0, start, 100))]


# -- conditions on what is not there (8.1, 8.2) --------------------------------


async def test_an_append_is_one_write_on_a_partition_that_is_not_there(streams: StreamTable) -> None:
    assert await streams.append_events(appended(None, None, 1, 2)) == APPLIED
    assert await streams.append_events(appended(None, None, 1, 2, 3)) == NotApplied(Statics(2))
    assert await versions(streams) == [1, 2]
    assert await streams.append_events(appended(2, None, 3)) == APPLIED
    assert await streams.append_events(appended(3, 1, 4)) == NotApplied(Statics(3))


async def test_a_fence_alone_refuses_who_did_not_see_it(streams: StreamTable) -> None:
    assert await streams.fence_chunk(FenceChunk(STREAM, 0, None, None)) == APPLIED
    assert await streams.append_events(appended(None, None, 1)) == NotApplied(Statics(fence=1))
    assert await streams.read_statics(ReadStatics(STREAM, 0)) == Statics(fence=1)
    seen = await streams.read_row_serially(ReadRowSerially(STREAM, 0, 1))
    assert (seen.statics.fence, seen.row) == (1, None)
    assert await versions(streams) == []
    assert await streams.append_events(appended(None, 1, 1)) == APPLIED


async def test_statics_are_read_whatever_rows_there_are(streams: StreamTable) -> None:
    assert await streams.read_statics(ReadStatics(STREAM, 0)) == Statics()
    await streams.append_events(appended(None, None, 1))
    assert (await streams.read_statics(ReadStatics(STREAM, 0))).head == 1
    assert await versions(streams, start=2) == []


# -- timestamps of the protocol's own (8.4, 8.5) -------------------------------


async def test_the_highest_logged_stays_and_harms_nothing(streams: StreamTable) -> None:
    await streams.append_events(appended(None, None, 1, 2, 3))
    for version in (2, 3, 1):
        assert await streams.write_logged(WriteLogged(version, STREAM, 0, version, ((version, 10 + version),)))
    statics = await streams.read_statics(ReadStatics(STREAM, 0))
    assert (statics.head, statics.logged) == (3, 3)
    assert await versions(streams) == [1, 2, 3]
    assert await streams.append_events(appended(3, None, 4)) == APPLIED


async def test_where_an_event_lies_is_no_event(streams: StreamTable) -> None:
    await streams.write_logged(WriteLogged(1, STREAM, 0, 1, ((1, 0),)))
    assert await versions(streams) == []
    assert await streams.append_events(appended(None, None, 1)) == APPLIED


async def test_an_intent_that_lands_after_it_was_deleted_stays_deleted(intents: IntentTable) -> None:
    inserted, deleted = InsertIntent(SLOT * 10, INTENT), DeleteIntents(SLOT * 10 + 1, 0, SLOT, (INTENT.attempt,))
    await intents.insert_intent(inserted)
    assert list(await intents.scan_slot(ScanSlot(0, SLOT))) == [INTENT]
    await intents.delete_intents(deleted)
    await intents.insert_intent(inserted)
    assert list(await intents.scan_slot(ScanSlot(0, SLOT))) == []
    assert list(await intents.list_slots(ListSlots(0))) == []


# -- nothing is sent twice (8.6) -----------------------------------------------


@pytest.mark.parametrize("is_cut", [False, True], ids=["silence", "cut"])
async def test_a_write_whose_reply_is_lost_is_sent_once(
    streams: StreamTable, engine: CassandraEngine, is_cut: bool
) -> None:
    """Not by the driver either."""
    url = f"{_url(engine.location)}?request_timeout=1&sequencers=off"
    async with proxies_before(url) as (port, proxies):
        through = open_engine(before(url, port), EngineOptions())
        await through.open()
        others = StreamTable(through._session)
        await others.append_events(appended(None, None, 1))
        asked = _events_asked(proxies)
        for proxy in proxies:
            proxy.share, proxy.cuts = 1.0, float(is_cut)
        with pytest.raises(StoreUnavailable):
            await others.append_events(appended(1, None, 2))
        assert _events_asked(proxies) - asked == 1
        seen = await streams.read_row_serially(ReadRowSerially(STREAM, 0, 2))
        assert seen.row is not None
        await through.close()


def _url(location: Location) -> str:
    return f"cassandra://{','.join(location.hosts)}:{location.port}/{location.keyspace}"


def _events_asked(proxies: Sequence[CqlProxy]) -> int:
    return sum(count for proxy in proxies for table, count in proxy.asked.items() if table.endswith('"events"'))


async def test_levels_that_do_not_overlap_are_refused(engine: CassandraEngine) -> None:
    elsewhere = open_engine(f"{_url(engine.location)}?data_center=datacenter1", EngineOptions())
    with pytest.raises(StoreMismatch, match="agree on at different levels"):
        await elsewhere.open()


# -- how much one write may carry (8.10) ---------------------------------------


async def test_the_largest_append_there_may_be_is_one_write(engine: CassandraEngine) -> None:
    """A thousand events, and a MiB of them; what is more is refused before anything is sent."""
    data = b'"' + b"x" * 1_000 + b'"'
    await engine.events.append(append_of(ANN, [new_event(data=data) for _ in range(1_000)]))
    assert len(await engine.events.load(ANN)) == 1_000
    large = b'"' + b"x" * 261_000 + b'"'
    await engine.events.append(append_of(BOB, [new_event(data=large) for _ in range(4)]))
    with pytest.raises(LimitExceeded):
        await engine.events.append(append_of(BOB, [new_event(data=large) for _ in range(5)]))
    assert await engine.events.head(BOB) == 4
