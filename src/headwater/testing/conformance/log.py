"""The law of Log: dense offsets in partitions, pages that move on, filters."""

from __future__ import annotations

from typing import cast

import pytest

from headwater.domain.append import UniqueKey
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact
from headwater.errors import InvalidMessage, InvalidVersion, UniqueKeyTaken, WrongExpectedVersion
from headwater.ports.engine import Engine
from headwater.ports.log import LogFilter
from headwater.testing.clock import START, ManualClock
from headwater.testing.controls import ANN, BOB, EVERYTHING, MAIL, append_of, log_of, new_event, read_on

__all__ = ["LogConformance"]


async def partition_of(engine: Engine, stream: StreamId = ANN) -> int:
    """Where the stream is; it has events."""
    place = await engine.log.offset_of(str(stream), 1)
    assert place is not None
    return place[0]


async def types_of(engine: Engine, only: LogFilter | None) -> list[str]:
    return sorted(event.type for event in await log_of(engine, only))


class LogConformance:
    """Enrol with the fixtures `engine` and `clock`."""

    # -- offsets -----------------------------------------------------------

    async def test_an_empty_log_ends_where_it_starts(self, engine: Engine) -> None:
        assert engine.log.partitions >= 1
        for partition in range(engine.log.partitions):
            page = await engine.log.read(partition, 0, 10)
            assert (list(page.events), page.next) == ([], 0)
            assert await engine.log.head(partition) == 0

    async def test_offsets_are_dense_and_rejected_appends_leave_no_hole(self, engine: Engine) -> None:
        streams = [StreamId("user", str(number)) for number in range(20)]
        for stream in streams:
            await engine.events.append(append_of(stream, 2))
            with pytest.raises(WrongExpectedVersion):
                await engine.events.append(append_of(stream, 2, Exact(9)))
        await engine.events.append(append_of(ANN, claims=(MAIL,)))
        with pytest.raises(UniqueKeyTaken):
            await engine.events.append(append_of(BOB, claims=(UniqueKey("a", "b"), MAIL)))
        await engine.events.append(append_of(BOB))
        for partition in range(engine.log.partitions):
            offsets = [event.offset async for event in read_on(engine, partition, only=EVERYTHING)]
            assert offsets == list(range(await engine.log.head(partition)))
        assert len(await log_of(engine)) == 42

    async def test_a_partition_follows_from_the_partition_key_alone(self, engine: Engine) -> None:
        for number in range(20):
            stream, other = StreamId("user", str(number)), StreamId("order", str(number))
            await engine.events.append(append_of(stream))
            await engine.events.append(append_of(other, partition_key=f"key {number}"))
            assert await partition_of(engine, stream) == engine.log.partition_of(str(stream))
            assert await partition_of(engine, other) == engine.log.partition_of(f"key {number}")

    async def test_a_stream_is_in_one_partition_by_version(self, engine: Engine) -> None:
        for number in range(30):
            await engine.events.append(append_of(StreamId("user", str(number % 6)), 1 + number % 3))
        log = await log_of(engine)
        for name in {event.stream for event in log}:
            events = [event for event in log if event.stream == name]
            assert [event.version for event in events] == list(range(1, len(events) + 1))
            assert len({event.partition for event in events}) == 1

    async def test_a_partition_key_brings_streams_together(self, engine: Engine) -> None:
        streams = [StreamId("order", str(number)) for number in range(20)]
        for stream in streams:
            await engine.events.append(append_of(stream, partition_key="customer 7"))
        assert len({await partition_of(engine, stream) for stream in streams}) == 1

    async def test_a_stream_keeps_its_partition_key(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, partition_key="customer 7"))
        await engine.events.append(append_of(BOB))
        for stream, key in ((ANN, "customer 8"), (ANN, None), (BOB, "customer 7")):
            with pytest.raises(InvalidMessage):
                await engine.events.append(append_of(stream, partition_key=key))
        await engine.events.append(append_of(ANN, partition_key="customer 7"))
        await engine.events.append(append_of(BOB, partition_key=str(BOB)))
        assert len(await log_of(engine)) == 4

    async def test_streams_spread_over_the_partitions(self, engine: Engine) -> None:
        for number in range(100):
            await engine.events.append(append_of(StreamId("order", str(number))))
        assert all([await engine.log.head(partition) > 0 for partition in range(engine.log.partitions)])

    async def test_offset_of_finds_a_version(self, engine: Engine, clock: ManualClock) -> None:
        await engine.events.append(append_of(ANN, 2))
        clock.advance(1)
        await engine.events.append(append_of(BOB, 1, partition_key=str(ANN)))
        clock.advance(1)
        await engine.events.append(append_of(ANN, 1))
        partition = await partition_of(engine)
        assert [await engine.log.offset_of("user-ann", version) for version in (1, 2, 3)] == [
            (partition, 0),
            (partition, 1),
            (partition, 3),
        ]
        assert await engine.log.offset_of("user-ann", 0) is None
        assert await engine.log.offset_of("user-ann", 4) is None
        assert await engine.log.offset_of("user-nobody", 1) is None

    # -- pages -------------------------------------------------------------

    async def test_a_page_starts_with_its_offset_and_holds_at_most_the_limit(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, 5))
        partition = await partition_of(engine)
        expected: dict[tuple[int, int], tuple[list[int], int]] = {
            (0, 0): ([], 0),
            (0, 1): ([0], 1),
            (1, 2): ([1, 2], 3),
            (3, 2): ([3, 4], 5),
            (4, 9): ([4], 5),
            (5, 9): ([], 5),
            (99, 9): ([], 99),
        }
        for (start, limit), (offsets, after) in expected.items():
            page = await engine.log.read(partition, start, limit)
            assert ([event.offset for event in page.events], page.next) == (offsets, after), (start, limit)

    async def test_a_bad_place_or_limit_is_refused(self, engine: Engine) -> None:
        for bad in (-1, 2**63, True, 1.0, "1"):
            with pytest.raises(InvalidVersion):
                await engine.log.read(0, cast("int", bad), 1)
            with pytest.raises(InvalidVersion):
                await engine.log.read(0, 0, cast("int", bad))
        for partition in (-1, engine.log.partitions):
            with pytest.raises(InvalidVersion):
                await engine.log.read(partition, 0, 1)
            with pytest.raises(InvalidVersion):
                await engine.log.head(partition)

    async def test_a_page_moves_past_what_the_filter_leaves_out(self, engine: Engine) -> None:
        for _ in range(4):
            await engine.events.append(append_of(ANN, 1_000))
        await engine.events.append(append_of(ANN, [new_event("Wanted")]))
        partition, only = await partition_of(engine), LogFilter(types=("Wanted",))
        found: list[int] = []
        start = 0
        while start < 4_001:
            page = await engine.log.read(partition, start, 1, only)
            assert page.next > start
            found += [event.offset for event in page.events]
            start = page.next
        assert (found, start) == ([4_000], 4_001)
        assert (await engine.log.read(partition, start, 1, only)).next == start

    # -- filters -----------------------------------------------------------

    async def test_hidden_events_are_read_only_when_asked_for_but_counted(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, [new_event("A"), new_event("B", topic="out"), new_event("C")]))
        partition = await partition_of(engine)
        for only in (None, LogFilter()):
            page = await engine.log.read(partition, 0, 10, only)
            assert [(event.type, event.offset) for event in page.events] == [("A", 0), ("C", 2)]
            assert page.next == 3
        page = await engine.log.read(partition, 0, 10, EVERYTHING)
        assert [event.topic for event in page.events] == [None, "out", None]
        assert await engine.log.head(partition) == 3

    async def test_types_categories_and_streams_are_filtered_exactly(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, [new_event("Opened"), new_event("Closed")]))
        await engine.events.append(append_of(BOB, [new_event("OpenedTwice")]))
        await engine.events.append(append_of(StreamId("users", "ann"), [new_event("Listed")]))
        assert await types_of(engine, LogFilter(types=("Opened",))) == ["Opened"]
        assert await types_of(engine, LogFilter(types=("Opened", "Listed", "Unheard"))) == ["Listed", "Opened"]
        assert await types_of(engine, LogFilter(categories=("user",))) == ["Closed", "Opened", "OpenedTwice"]
        assert await types_of(engine, LogFilter(categories=("users",))) == ["Listed"]
        assert await types_of(engine, LogFilter(stream="user-ann")) == ["Closed", "Opened"]
        assert await types_of(engine, LogFilter(stream="user-ann", types=("Listed",))) == []

    async def test_since_is_inclusive_and_until_exclusive(self, engine: Engine, clock: ManualClock) -> None:
        for type in ("A", "B", "C"):
            await engine.events.append(append_of(StreamId("user", type), [new_event(type)]))
            clock.advance(1)
        second = START + 1_000_000
        assert await types_of(engine, LogFilter(since=second)) == ["B", "C"]
        assert await types_of(engine, LogFilter(since=second + 1)) == ["C"]
        assert await types_of(engine, LogFilter(until=second)) == ["A"]
        assert await types_of(engine, LogFilter(until=second + 1)) == ["A", "B"]
        assert await types_of(engine, LogFilter(since=second, until=second + 1)) == ["B"]
        assert await types_of(engine, LogFilter(since=second, until=second)) == []

    async def test_metadata_is_a_field_or_a_header(self, engine: Engine) -> None:
        contexts = {
            "A": b'{"correlation_id":"7","headers":{"region":"north \\"x\\""}}',
            "B": b'{"correlation_id":"77","headers":{"region":"south","dotted.name":"yes"}}',
            "C": b"",
        }
        for type, context in contexts.items():
            await engine.events.append(append_of(ANN, [new_event(type)], context=context))
        for pairs, types in [
            ((("correlation_id", "7"),), ["A"]),
            ((("region", "south"),), ["B"]),
            ((("region", 'north "x"'),), ["A"]),
            ((("dotted.name", "yes"),), ["B"]),
            ((("correlation_id", "7"), ("region", "south")), []),
            ((("principal", "nobody"),), []),
        ]:
            assert await types_of(engine, LogFilter(metadata=pairs)) == types, pairs
