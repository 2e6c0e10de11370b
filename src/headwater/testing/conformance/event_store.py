"""The law of EventStore: streams, versions, timestamps, and what an append refuses."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from headwater.domain.append import Appended, Written
from headwater.domain.event import UNLOGGED, StoredEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact, Exists, ExpectedVersion, NoStream
from headwater.errors import (
    DuplicateEventId,
    InvalidId,
    InvalidMessage,
    InvalidVersion,
    LimitExceeded,
    StoreClosed,
    WrongExpectedVersion,
)
from headwater.ports.engine import Engine
from headwater.ports.event_store import FoldRows
from headwater.testing.clock import START, ManualClock
from headwater.testing.controls import ANN, BOB, append_of, contents, events_of, log_of, new_event

__all__ = ["EventStoreConformance"]


def versions(events: object) -> list[int]:
    return [event.version for event in cast("list[StoredEvent]", events)]


def placed(event: StoredEvent, offset: int) -> StoredEvent:
    """The event as its stream has it, which may not know yet where it lies."""
    return msgspec.structs.replace(event, offset=UNLOGGED) if offset == UNLOGGED else event


class EventStoreConformance:
    """Enrol with the fixtures `engine` and `clock`."""

    # -- loading -----------------------------------------------------------

    async def test_an_unknown_stream_is_empty(self, engine: Engine) -> None:
        assert list(await engine.events.load(ANN)) == []
        assert await engine.events.head(ANN) == 0
        assert await engine.events.count("user") == 0
        assert await engine.events.fold_rows(ANN) == FoldRows(0, [])

    async def test_versions_rise_from_one_without_holes(self, engine: Engine) -> None:
        assert await engine.events.append(append_of(ANN, 2)) == Appended((Written("user-ann", 1, 2),))
        assert await engine.events.append(append_of(ANN, 1)) == Appended((Written("user-ann", 3, 3),))
        assert versions(await engine.events.load(ANN)) == [1, 2, 3]
        assert await engine.events.head(ANN) == 3

    async def test_an_event_comes_back_as_it_went_in(self, engine: Engine, clock: ManualClock) -> None:
        event = new_event("Noted", b'{"text":"\xc3\xa9"}', topic="notes")
        await engine.events.append(append_of(ANN, [event], context=b'{"principal":"eve"}'))
        [stored] = await engine.events.load(ANN)
        assert stored == StoredEvent(
            partition=stored.partition,
            offset=stored.offset,
            stream="user-ann",
            version=1,
            event_id=event.event_id,
            timestamp=clock.micros(),
            type="Noted",
            schema=1,
            data=b'{"text":"\xc3\xa9"}',
            context=b'{"principal":"eve"}',
            topic="notes",
        )
        assert stored.offset in (0, UNLOGGED)

    async def test_load_begins_after_one_version_and_ends_with_another(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, 5))
        load = engine.events.load
        assert versions(await load(ANN, 0)) == [1, 2, 3, 4, 5]
        assert versions(await load(ANN, 4)) == [5]
        assert versions(await load(ANN, 5)) == []
        assert versions(await load(ANN, 9)) == []
        assert versions(await load(ANN, 0, 0)) == []
        assert versions(await load(ANN, 0, 1)) == [1]
        assert versions(await load(ANN, 1, 3)) == [2, 3]
        assert versions(await load(ANN, 3, 3)) == []
        assert versions(await load(ANN, 4, 2)) == []
        assert versions(await load(ANN, 3, 99)) == [4, 5]

    async def test_a_version_that_is_none_is_refused(self, engine: Engine) -> None:
        for bad in (-1, 2**63, True, 1.0, "1", float("nan")):
            with pytest.raises(InvalidVersion):
                await engine.events.load(ANN, cast("int", bad))
            with pytest.raises(InvalidVersion):
                await engine.events.load(ANN, 0, cast("int", bad))
            with pytest.raises(InvalidVersion):
                await engine.events.fold_rows(ANN, cast("int", bad))

    async def test_hidden_events_are_loaded_and_not_folded(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, [new_event("A"), new_event("B", topic="out"), new_event("C")]))
        assert [event.type for event in await engine.events.load(ANN)] == ["A", "B", "C"]
        assert await engine.events.fold_rows(ANN) == FoldRows(3, [("A", 1, b"{}"), ("C", 1, b"{}")])
        assert await engine.events.fold_rows(ANN, 1) == FoldRows(3, [("C", 1, b"{}")])
        assert await engine.events.fold_rows(ANN, 3) == FoldRows(3, [])
        assert await engine.events.fold_rows(ANN, 4) == FoldRows(3, [])

    async def test_streams_are_told_apart_code_point_by_code_point(self, engine: Engine) -> None:
        twins = [StreamId("user", "ann"), StreamId("user", "Ann"), StreamId("users", "ann"), StreamId("user", "ån-n")]
        for count, stream in enumerate(twins, 1):
            await engine.events.append(append_of(stream, count, NoStream()))
        assert [await engine.events.head(stream) for stream in twins] == [1, 2, 3, 4]
        assert [event.stream for event in await engine.events.load(twins[3])] == ["user-ån-n"] * 4

    async def test_count_tells_the_streams_of_one_category(self, engine: Engine) -> None:
        for stream in (ANN, ANN, BOB, StreamId("users", "ann"), StreamId("user_x", "ann")):
            await engine.events.append(append_of(stream, 2))
        assert await engine.events.count("user") == 2
        assert await engine.events.count("users") == 1
        assert await engine.events.count("use") == 0

    # -- expected versions -------------------------------------------------

    async def test_a_met_expectation_lets_the_append_pass(self, engine: Engine) -> None:
        for expected in (NoStream(), Exact(1), Exists(), Exact(3)):
            await engine.events.append(append_of(ANN, 1, expected))
        await engine.events.append(append_of(BOB, 1, Exact(0)))
        assert await engine.events.head(ANN) == 4

    async def test_an_expectation_not_met_names_the_version_and_changes_nothing(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, 2))
        before = await contents(engine)
        refused: list[tuple[StreamId, ExpectedVersion, int]] = [
            (ANN, NoStream(), 2),
            (ANN, Exact(0), 2),
            (ANN, Exact(1), 2),
            (ANN, Exact(3), 2),
            (BOB, Exact(1), 0),
            (BOB, Exists(), 0),
        ]
        for stream, expected, actual in refused:
            with pytest.raises(WrongExpectedVersion) as caught:
                await engine.events.append(append_of(stream, 1, expected))
            assert (caught.value.stream, caught.value.expected) == (str(stream), expected)
            assert caught.value.actual == actual
        assert await contents(engine) == before

    # -- event ids ---------------------------------------------------------

    async def test_an_event_id_of_another_stream_is_refused(self, engine: Engine) -> None:
        [event] = events_of(1)
        await engine.events.append(append_of(ANN, [event]))
        before = await contents(engine)
        with pytest.raises(DuplicateEventId):
            await engine.events.append(append_of(BOB, [new_event(), event, new_event()]))
        assert await contents(engine) == before

    async def test_an_event_id_twice_in_an_append_is_refused(self, engine: Engine) -> None:
        [event] = events_of(1)
        before = await contents(engine)
        with pytest.raises(DuplicateEventId):
            await engine.events.append(append_of(ANN, [event, event]))
        assert await contents(engine) == before

    async def test_a_refused_event_id_may_be_used_later(self, engine: Engine) -> None:
        events = events_of(2)
        with pytest.raises(WrongExpectedVersion):
            await engine.events.append(append_of(ANN, events, Exact(7)))
        await engine.events.append(append_of(ANN, events))
        assert await engine.events.head(ANN) == 2

    async def test_data_and_context_of_several_lines_are_refused(self, engine: Engine) -> None:
        append = append_of(ANN, 1)
        broken = new_event(data=b'{\n"a":1}')
        writes = (msgspec.structs.replace(append.writes[0], events=(new_event(), broken)),)
        with pytest.raises(InvalidMessage, match="one line"):
            await engine.events.append(msgspec.structs.replace(append, writes=writes))
        with pytest.raises(InvalidMessage, match="one line"):
            await engine.events.append(msgspec.structs.replace(append, context=b"{\n}"))
        assert await engine.events.head(ANN) == 0

    async def test_a_topic_that_is_none_is_refused(self, engine: Engine) -> None:
        before = await contents(engine)
        for topic in ("", "a\ud800", "a\0", "a\nb", "e\u0301"):
            with pytest.raises(InvalidId):
                await engine.events.append(append_of(ANN, [new_event(), new_event(topic=topic)]))
        with pytest.raises(LimitExceeded):
            await engine.events.append(append_of(ANN, [new_event(topic="a" * 513)]))
        assert await contents(engine) == before

    async def test_an_append_without_events_is_refused(self, engine: Engine) -> None:
        before = await contents(engine)
        with pytest.raises(InvalidMessage):
            await engine.events.append(append_of(ANN, 0))
        assert await contents(engine) == before

    async def test_the_largest_append_is_stored_whole(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, 1_000))
        assert versions(await engine.events.load(ANN)) == list(range(1, 1_001))

    # -- timestamps --------------------------------------------------------

    async def test_timestamps_rise_while_the_clock_stands_still(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, 2))
        await engine.events.append(append_of(ANN, 1))
        assert [event.timestamp - START for event in await engine.events.load(ANN)] == [0, 1, 2]

    async def test_timestamps_rise_when_the_clock_goes_back(self, engine: Engine, clock: ManualClock) -> None:
        await engine.events.append(append_of(ANN))
        clock.advance(-3_600)
        await engine.events.append(append_of(ANN))
        await engine.events.append(append_of(BOB))
        assert [event.timestamp - START for event in await engine.events.load(ANN)] == [0, 1]
        assert [event.timestamp - START for event in await engine.events.load(BOB)] == [-3_600_000_000]

    async def test_timestamps_follow_the_clock(self, engine: Engine, clock: ManualClock) -> None:
        await engine.events.append(append_of(ANN, 3))
        clock.advance(1)
        await engine.events.append(append_of(ANN, 2))
        rising = [event.timestamp - START for event in await engine.events.load(ANN)]
        assert rising == [0, 1, 2, 1_000_000, 1_000_001]

    # -- the end -----------------------------------------------------------

    async def test_what_is_loaded_is_what_the_log_has(self, engine: Engine) -> None:
        for stream in (ANN, BOB, ANN):
            await engine.events.append(append_of(stream, 2))
        logged = await log_of(engine)
        for stream in (ANN, BOB):
            loaded = await engine.events.load(stream)
            known = [event for event in logged if event.stream == str(stream)]
            assert [placed(event, own.offset) for event, own in zip(known, loaded, strict=True)] == list(loaded)

    async def test_a_closed_store_says_so(self, engine: Engine) -> None:
        await engine.close()
        await engine.close()
        with pytest.raises(StoreClosed):
            await engine.events.append(append_of(ANN))
        with pytest.raises(StoreClosed):
            await engine.events.load(ANN)
