"""The law of BoundaryAppends: what a boundary holds, and appends on condition that it holds no more."""

from __future__ import annotations

import pytest

from headwater.domain.append import Append, Write
from headwater.domain.boundary import AppendCondition, Boundary, Mark
from headwater.domain.event import NewEvent, StoredEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact
from headwater.errors import (
    BoundaryChanged,
    DuplicateEventId,
    IdempotencyMismatch,
    InvalidId,
    InvalidMessage,
    InvalidVersion,
    LimitExceeded,
    UniqueKeyTaken,
    WrongExpectedVersion,
)
from headwater.ports.boundaries import BoundaryAppends
from headwater.ports.engine import Engine
from headwater.ports.inline_appends import InlineAppends
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.inline_appends import Counting, projection
from headwater.testing.controls import (
    ANN,
    BOB,
    MAIL,
    TOO_MUCH,
    Tally,
    append_of,
    command_of,
    contents,
    log_of,
    new_event,
    write_of,
)

__all__ = ["BoundariesConformance", "boundaries", "everything_within", "streams"]

RED = Boundary(tags=["colour:red"])
BIG = Boundary(tags=["size:big"])


def boundaries(engine: Engine) -> BoundaryAppends:
    """The engine's events, for those that honour BoundaryAppends."""
    assert isinstance(engine.events, BoundaryAppends)
    return engine.events


def tagged(*tags: str, type: str = "Noted", data: bytes = b"{}") -> NewEvent:
    return new_event(type, data, tags=tags)


def streams(count: int = 12) -> list[StreamId]:
    """Enough to meet every partition of four."""
    return [StreamId("user", f"s{number}") for number in range(count)]


async def everything_within(
    engine: Engine,
    boundary: Boundary,
    after: Mark = Mark(),  # noqa: B008  # frozen
    page: int = 3,
) -> tuple[list[StoredEvent], Mark]:
    """A boundary page after page, and how far it was read."""
    events: list[StoredEvent] = []
    while True:
        found = await boundaries(engine).read_within(boundary, after, page)
        assert len(found.events) <= page
        events += found.events
        after = found.mark
        if not found.more:
            return events, after


async def ids_within(engine: Engine, boundary: Boundary) -> set[bytes]:
    events, _ = await everything_within(engine, boundary)
    assert len({event.event_id for event in events}) == len(events)
    return {event.event_id for event in events}


def ids(*events: NewEvent) -> set[bytes]:
    return {event.event_id for event in events}


def since(mark: Mark, boundary: Boundary, *writes: Write) -> Append:
    return Append(writes=writes, conditions=(AppendCondition(boundary, mark),))


class BoundariesConformance:
    """Enrol with the fixtures `engine` and `clock`; its `events` are AtomicAppends and BoundaryAppends."""

    # -- reading ---------------------------------------------------------------

    async def test_a_boundary_holds_what_has_all_tags_and_one_of_the_types(self, engine: Engine) -> None:
        red, big = tagged("colour:red"), tagged("size:big", type="Grown")
        both, other = tagged("colour:red", "size:big", type="Grown"), tagged("colour:blue", "size:big")
        for stream, event in zip(streams(), [red, big, both, other, new_event()], strict=False):
            await engine.events.append(append_of(stream, [event]))
        red_and_big = Boundary(tags=["size:big", "colour:red"])
        grown = Boundary(tags=["size:big"], types=["Grown", "Shrunk"])
        assert await ids_within(engine, RED) == ids(red, both)
        assert await ids_within(engine, red_and_big) == ids(both)
        assert await ids_within(engine, grown) == ids(big, both)
        assert await ids_within(engine, Boundary(tags=["size:big"], types=["Shrunk"])) == set()
        assert await ids_within(engine, Boundary(tags=["colour:re"])) == set()
        assert await ids_within(engine, RED | grown) == ids(red, big, both)

    async def test_it_is_read_in_pages_that_go_on_from_the_mark(self, engine: Engine) -> None:
        written: list[NewEvent] = []
        for number, stream in enumerate(streams()):
            events = [tagged("colour:red"), new_event(), tagged("colour:red", "size:big")][: 1 + number % 3]
            await engine.events.append(append_of(stream, events))
            written += [event for event in events if event.tags]
        whole, end = await everything_within(engine, RED | BIG, page=1_000)
        assert {event.event_id for event in whole} == ids(*written)
        for page in (1, 2, 5, len(whole)):
            assert await everything_within(engine, RED | BIG, page=page) == (whole, end)
        later = tagged("colour:red")
        await engine.events.append(append_of(ANN, [later, new_event()]))
        rest, _ = await everything_within(engine, RED | BIG, end)
        assert [event.event_id for event in rest] == [later.event_id]

    async def test_events_are_as_they_lie_in_the_log(self, engine: Engine) -> None:
        for stream in streams(5):
            await engine.events.append(append_of(stream, [new_event(), tagged("colour:red"), tagged("colour:red")]))
        found, mark = await everything_within(engine, RED)
        assert sorted(found, key=lambda event: (event.partition, event.offset)) == [
            event for event in await log_of(engine) if event.version > 1
        ]
        assert mark.offsets == tuple([await engine.log.head(p) for p in range(engine.log.partitions)])

    async def test_causes_come_before_effects(self, engine: Engine, clock: ManualClock) -> None:
        """Each is decided on the one before, by somebody whose clock is behind."""
        order: list[bytes] = []
        for stream in streams():
            _, mark = await everything_within(engine, RED)
            event = tagged("colour:red")
            await boundaries(engine).append_within(since(mark, RED, write_of(stream, [event])))
            order.append(event.event_id)
            clock.advance(-10)
        found, _ = await everything_within(engine, RED)
        assert [event.event_id for event in found] == order

    async def test_integration_events_are_in_no_boundary(self, engine: Engine) -> None:
        with pytest.raises(InvalidMessage):
            await engine.events.append(append_of(ANN, [new_event(topic="out", tags=("colour:red",))]))

    async def test_tags_are_told_by_offset(self, engine: Engine) -> None:
        given = [(), ("size:big", "colour:red"), (), ("colour:red",), ("colour:blue",)]
        await engine.events.append(append_of(ANN, [new_event(tags=tags) for tags in given]))
        partition, _ = await engine.log.offset_of(str(ANN), 1) or (0, 0)
        tags = await boundaries(engine).tags_between(partition, 0, 4)
        assert dict(tags) == {1: ("colour:red", "size:big"), 3: ("colour:red",)}
        assert dict(await boundaries(engine).tags_between(partition, 4, 100)) == {4: ("colour:blue",)}

    # -- appending -------------------------------------------------------------

    async def test_what_has_not_changed_is_appended_to(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, [tagged("colour:red")]))
        _, mark = await everything_within(engine, RED)
        await engine.events.append(append_of(BOB, [tagged("colour:blue"), new_event()]))
        writes = (write_of(BOB, [tagged("colour:red"), tagged("colour:red")]), write_of(ANN, [tagged("size:big")]))
        await boundaries(engine).append_within(since(mark, RED, *writes))
        assert len((await everything_within(engine, RED))[0]) == 3

    async def test_what_has_changed_is_not(self, engine: Engine) -> None:
        """In whatever stream and partition it did."""
        for number, stream in enumerate(streams()):
            _, mark = await everything_within(engine, RED)
            await engine.events.append(append_of(stream, [new_event(), tagged("colour:red", "size:big")]))
            before = await contents(engine)
            append = since(mark, Boundary(tags=["size:small"]) | RED, write_of(streams()[number - 5]))
            with pytest.raises(BoundaryChanged) as refused:
                await boundaries(engine).append_within(append)
            assert refused.value.tags == ("colour:red",)
            assert await contents(engine) == before

    async def test_what_changed_outside_does_not_matter(self, engine: Engine) -> None:
        boundary = Boundary(tags=["colour:red", "size:big"]) | Boundary(tags=["colour:red"], types=["Grown"])
        _, mark = await everything_within(engine, boundary)
        events = [tagged("colour:red"), tagged("size:big", type="Grown"), tagged("colour:blue", "size:big")]
        await engine.events.append(append_of(ANN, events))
        await boundaries(engine).append_within(since(mark, boundary, write_of(BOB)))

    async def test_each_condition_has_its_own_mark(self, engine: Engine) -> None:
        _, before = await everything_within(engine, RED)
        await engine.events.append(append_of(ANN, [tagged("colour:red")]))
        _, after = await everything_within(engine, RED)
        conditions = AppendCondition(RED, after), AppendCondition(BIG, before)
        await boundaries(engine).append_within(Append(writes=(write_of(BOB),), conditions=conditions))
        conditions = AppendCondition(BIG, after), AppendCondition(RED, before)
        with pytest.raises(BoundaryChanged):
            await boundaries(engine).append_within(Append(writes=(write_of(BOB),), conditions=conditions))

    async def test_a_refused_append_leaves_no_tags(self, engine: Engine) -> None:
        taken = new_event()
        await engine.read_model_schema.ensure([Tally])
        await engine.events.append(append_of(BOB, [taken]))
        refused: list[tuple[type[Exception], Append]] = [
            (WrongExpectedVersion, append_of(ANN, [tagged("colour:red")], Exact(7))),
            (DuplicateEventId, append_of(ANN, [tagged("colour:red"), taken])),
            (InvalidMessage, Append(writes=(write_of(ANN, [tagged("colour:red")]),), changes=(TOO_MUCH,))),
        ]
        for error, append in refused:
            with pytest.raises(error):
                await boundaries(engine).append_within(append)
        await engine.events.append(append_of(ANN, 3))
        assert await everything_within(engine, RED) == ([], (await everything_within(engine, BIG))[1])

    async def test_a_repeated_command_has_its_first_outcome(self, engine: Engine) -> None:
        append = Append(
            writes=(write_of(ANN, [tagged("colour:red")]),),
            command=command_of("c1"),
            conditions=(AppendCondition(RED),),
        )
        done = await boundaries(engine).append_within(append)
        again = await boundaries(engine).append_within(append)
        assert (again.writes, again.replayed) == (done.writes, await engine.commands.find("c1"))

    async def test_a_command_without_events_has_conditions_too(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, [tagged("colour:red")]))
        append = Append(writes=(), command=command_of("c1"), conditions=(AppendCondition(RED),))
        with pytest.raises(BoundaryChanged):
            await boundaries(engine).append_within(append)
        assert await engine.commands.find("c1") is None

    async def test_of_several_reasons_the_first_counts(self, engine: Engine) -> None:
        await engine.events.append(append_of(BOB, [tagged("colour:red")], claims=(MAIL,), command=command_of("old")))
        conditions = (AppendCondition(RED),)
        wrong, claiming = write_of(ANN, 1, Exact(7), claims=(MAIL,)), write_of(ANN, claims=(MAIL,))
        reasons: list[tuple[type[Exception], Append]] = [
            (IdempotencyMismatch, Append(writes=(wrong,), command=command_of("old", "x"), conditions=conditions)),
            (WrongExpectedVersion, Append(writes=(wrong,), conditions=conditions)),
            (BoundaryChanged, Append(writes=(claiming,), conditions=conditions)),
            (UniqueKeyTaken, Append(writes=(claiming,))),
        ]
        for error, append in reasons:
            with pytest.raises(error):
                await boundaries(engine).append_within(append)

    async def test_inline_appends_honour_conditions(self, engine: Engine) -> None:
        assert isinstance(engine.events, InlineAppends)
        await engine.read_model_schema.ensure([Tally])
        inline = [projection(Counting())]
        append = since(Mark(), RED, write_of(ANN, [tagged("colour:red")]))
        await engine.events.append_inline(append, inline)
        append = since(Mark(), RED, write_of(BOB, [tagged("colour:red")]))
        with pytest.raises(BoundaryChanged):
            await engine.events.append_inline(append, inline)
        assert await engine.read_models.get(Tally, "n") == Tally(name="n", total=1)
        assert len((await everything_within(engine, RED))[0]) == 1

    # -- form ------------------------------------------------------------------

    async def test_what_is_no_tag_is_refused(self, engine: Engine) -> None:
        many = tuple(f"colour:{number}" for number in range(65))
        refused: list[tuple[type[Exception], tuple[str, ...]]] = [
            (InvalidId, ("red",)),
            (InvalidId, ("colour:",)),
            (InvalidId, ("colour:r\ned",)),
            (InvalidMessage, ("colour:red", "colour:red")),
            (LimitExceeded, many),
            (LimitExceeded, (f"colour:{'x' * 512}",)),
        ]
        for error, tags in refused:
            with pytest.raises(error):
                await engine.events.append(append_of(ANN, [tagged(*tags)]))

    async def test_a_mark_of_another_log_is_refused(self, engine: Engine) -> None:
        for mark in (Mark((0,) * (engine.log.partitions + 1)), Mark((-1,))):
            with pytest.raises(InvalidVersion):
                await boundaries(engine).append_within(since(mark, RED, write_of(ANN)))
            with pytest.raises(InvalidVersion):
                await boundaries(engine).read_within(RED, mark, 10)
        with pytest.raises(InvalidVersion):
            await boundaries(engine).read_within(RED, Mark(), 0)
        with pytest.raises(InvalidVersion):
            await boundaries(engine).tags_between(engine.log.partitions, 0, 1)
