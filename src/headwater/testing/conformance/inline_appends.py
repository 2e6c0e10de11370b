"""The law of InlineAppends: events, what projections make of them and their checkpoints, all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from headwater.domain.append import Append
from headwater.domain.event import StoredEvent
from headwater.domain.version import Exact
from headwater.errors import InlineHandlerSuspended, InvalidMessage, WrongExpectedVersion
from headwater.models.changes import Change, Update
from headwater.models.criteria import All
from headwater.ports.conditions import Pause
from headwater.ports.engine import Engine
from headwater.ports.generations import NewGeneration
from headwater.ports.inline_appends import HandleInline, InlineAppends, InlineProjection
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint
from headwater.ports.read_models import ReadModels, Selection
from headwater.testing.conformance.commits import commit_of, parked_at, totals
from headwater.testing.controls import (
    ANN,
    BOB,
    MAIL,
    TOO_MUCH,
    Tally,
    append_of,
    command_of,
    contents,
    new_event,
    tally,
    write_of,
)

__all__ = ["InlineAppendsConformance", "inline"]


def inline(engine: Engine) -> InlineAppends:
    """The engine's events, for those that honour InlineAppends."""
    assert isinstance(engine.events, InlineAppends)
    return engine.events


def projection(handle: HandleInline, name: str = "p", version: int = 1) -> InlineProjection:
    return InlineProjection(name, (Tally,), handle, version)


class Counting:
    """Counts events in one row by reading it first, and remembers what it was given."""

    def __init__(self, row: str = "n") -> None:
        self.row = row
        self.given: list[list[StoredEvent]] = []

    async def __call__(self, events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
        self.given.append(list(events))
        before = await rows.get(Tally, self.row)
        return [tally(self.row, len(events) + (0 if before is None else before.total))]


async def everything(engine: Engine) -> object:
    """All that an inline append may change."""
    return await contents(engine, MAIL), list(await engine.projections.checkpoints())


async def place_of_ann(engine: Engine, generation: int = 0) -> Place:
    [first, *_] = await engine.events.load(ANN)
    return Place("p", first.partition, generation)


class InlineAppendsConformance:
    """Enrol with the fixture `engine`."""

    @pytest.fixture(autouse=True)
    async def _tables(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally])

    # -- what is handled ---------------------------------------------------

    async def test_rows_and_checkpoint_are_there_with_the_events(self, engine: Engine) -> None:
        counting = Counting()
        for count in (2, 3):
            appended = await inline(engine).append_inline(append_of(ANN, count), [projection(counting)])
            assert appended.writes[0].last == await engine.events.head(ANN)
        assert await totals(engine.read_models) == {"n": 5}
        place = await place_of_ann(engine)
        assert await engine.projections.checkpoint(place) == Checkpoint(place=place, offset=5)
        assert [event for given in counting.given for event in given] == list(await engine.events.load(ANN))

    async def test_hidden_events_are_handled_too(self, engine: Engine) -> None:
        counting = Counting()
        events = [new_event("Noted"), new_event("Told", topic="out")]
        await inline(engine).append_inline(append_of(ANN, events), [projection(counting)])
        assert [event.topic for event in counting.given[0]] == [None, "out"]

    async def test_each_partition_is_handled_by_itself_in_order(self, engine: Engine) -> None:
        counting = Counting()
        streams = [ANN, BOB, *[type(ANN)("user", f"{number}") for number in range(6)]]
        await inline(engine).append_inline(
            Append(writes=tuple(write_of(stream, 2) for stream in streams)), [projection(counting)]
        )
        assert sum(map(len, counting.given)) == 16
        assert len({given[0].partition for given in counting.given}) == len(counting.given)
        for given in counting.given:
            assert {event.partition for event in given} == {given[0].partition}
            assert [event.offset for event in given] == list(range(len(given)))
            assert (await engine.projections.checkpoint(Place("p", given[0].partition))).offset == len(given)

    async def test_the_checkpoint_keeps_its_epoch_and_side_effects(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN))
        place = await place_of_ann(engine)
        await engine.projections.commit(commit_of(0, 1, epoch=3, partition=place.partition, effects=1))
        await inline(engine).append_inline(append_of(ANN), [projection(Counting())])
        assert await engine.projections.checkpoint(place) == Checkpoint(place=place, offset=2, epoch=3, effects=1)
        await engine.projections.commit(commit_of(2, 3, epoch=3, partition=place.partition))

    async def test_without_projections_it_is_an_append(self, engine: Engine) -> None:
        await inline(engine).append_inline(Append(writes=(write_of(ANN), write_of(BOB))), [])
        assert [await engine.events.head(stream) for stream in (ANN, BOB)] == [1, 1]
        assert list(await engine.projections.checkpoints()) == []

    async def test_counts_move_and_waiting_readers_wake(self, engine: Engine) -> None:
        [before], seen = await engine.wakeups.changes([Tally]), engine.wakeups.seen()
        await inline(engine).append_inline(append_of(ANN), [projection(Counting())])
        assert await engine.wakeups.wait(seen, 20) > seen
        assert list(await engine.wakeups.changes([Tally])) != [before]

    # -- what is passed by -------------------------------------------------

    async def test_one_that_is_behind_is_passed_by(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN))
        counting = Counting()
        await inline(engine).append_inline(append_of(ANN), [projection(counting)])
        place = await place_of_ann(engine)
        assert (counting.given, await totals(engine.read_models)) == ([], {})
        assert (await engine.projections.checkpoint(place)).offset == 0
        assert await engine.events.head(ANN) == 2
        await engine.projections.commit(commit_of(0, 2, partition=place.partition))
        await inline(engine).append_inline(append_of(ANN), [projection(counting)])
        assert len(counting.given) == 1

    async def test_one_that_has_parked_is_passed_by(self, engine: Engine) -> None:
        counting = Counting()
        await inline(engine).append_inline(append_of(ANN), [projection(counting)])
        partition = (await place_of_ann(engine)).partition
        await engine.parking.park(parked_at(0, "q", partition=partition))
        await engine.parking.park(parked_at(0, partition=partition + 1))
        await engine.parking.park(parked_at(0, partition=partition, generation=1))
        await inline(engine).append_inline(append_of(ANN), [projection(counting)])
        assert len(counting.given) == 2
        await engine.parking.park(parked_at(0, partition=partition))
        await inline(engine).append_inline(append_of(ANN), [projection(counting)])
        assert len(counting.given) == 2
        assert (await engine.projections.checkpoint(Place("p", partition))).offset == 2

    async def test_one_that_is_paused_is_passed_by(self, engine: Engine) -> None:
        counting = Counting()
        await engine.conditions.pause(Pause(projection="q"))
        await inline(engine).append_inline(append_of(ANN), [projection(counting)])
        await engine.conditions.pause(Pause(projection="p"))
        await inline(engine).append_inline(append_of(ANN), [projection(counting)])
        place = await place_of_ann(engine)
        assert (len(counting.given), (await engine.projections.checkpoint(place)).offset) == (1, 1)
        await engine.conditions.resume("p")
        await engine.projections.commit(commit_of(1, 2, partition=place.partition))
        await inline(engine).append_inline(append_of(ANN), [projection(counting)])
        assert len(counting.given) == 2

    async def test_one_of_several_key_ranges_is_passed_by(self, engine: Engine) -> None:
        wanted = NewGeneration(projection="p", version=1, fingerprint="", key_ranges=2, models=[Tally])
        await engine.generations.begin(wanted)
        counting = Counting()
        await inline(engine).append_inline(append_of(ANN), [projection(counting)])
        assert counting.given == []
        assert list(await engine.projections.checkpoints()) == []

    async def test_one_is_passed_by_and_the_other_handled(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN))
        partition = (await place_of_ann(engine)).partition
        await engine.projections.commit(commit_of(0, 1, projection="q", partition=partition))
        late, there = Counting(), Counting()
        await inline(engine).append_inline(append_of(ANN), [projection(late), projection(there, "q")])
        assert (len(late.given), len(there.given)) == (0, 1)

    async def test_the_generation_that_is_served_is_handled(self, engine: Engine) -> None:
        first, second = Counting(), Counting()
        both = [projection(first), projection(second, version=2)]
        for version in (1, 2):
            wanted = NewGeneration(projection="p", version=version, fingerprint="", key_ranges=1, models=[Tally])
            await engine.generations.begin(wanted)
        await inline(engine).append_inline(append_of(ANN), both)
        place, built = await place_of_ann(engine), await place_of_ann(engine, 1)
        assert (await engine.projections.checkpoint(built)).offset == 0
        assert await totals(engine.generations.rows("p", 1, [Tally])) == {}
        await engine.projections.commit(commit_of(0, 1, tally("n", 10), partition=place.partition, generation=1))
        assert await engine.generations.swap("p", 1)
        await inline(engine).append_inline(append_of(ANN), both)
        assert await totals(engine.read_models) == {"n": 11}
        assert (await engine.projections.checkpoint(place)).offset == 1
        assert (await engine.projections.checkpoint(built)).offset == 2
        assert (len(first.given), len(second.given)) == (1, 1)

    async def test_another_version_than_the_one_served_is_passed_by(self, engine: Engine) -> None:
        counting = Counting()
        await inline(engine).append_inline(append_of(ANN), [projection(counting, version=2)])
        assert counting.given == []
        assert list(await engine.projections.checkpoints()) == []

    async def test_a_repetition_handles_nothing(self, engine: Engine) -> None:
        counting = Counting()
        outcomes = [
            await inline(engine).append_inline(append_of(ANN, command=command_of("c1")), [projection(counting)])
            for _ in range(2)
        ]
        assert [outcome.replayed is not None for outcome in outcomes] == [False, True]
        assert len(counting.given) == 1
        assert await totals(engine.read_models) == {"n": 1}

    # -- what handlers see -------------------------------------------------

    async def test_reads_see_what_the_append_and_earlier_projections_change(self, engine: Engine) -> None:
        await engine.projections.write([tally("before", 1)])
        seen: list[object] = []

        async def look(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
            seen.append(await totals(rows))
            seen.append([row.name for row in await rows.find(Tally, Selection(limit=1))])
            seen.append(await rows.count(Tally, All()))
            return [Update(Tally, "n", {"total": 7})]

        append = Append(writes=(write_of(ANN, 2),), changes=(tally("append", 2),))
        await inline(engine).append_inline(append, [projection(Counting()), projection(look, "q")])
        assert seen == [{"append": 2, "before": 1, "n": 2}, ["append"], 3]
        assert await totals(engine.read_models) == {"append": 2, "before": 1, "n": 7}

    # -- what fails --------------------------------------------------------

    async def test_what_a_handler_raises_undoes_everything(self, engine: Engine) -> None:
        both = [projection(Counting()), projection(Counting("m"), "q")]
        await inline(engine).append_inline(append_of(ANN), both)
        before = await everything(engine)

        async def fail(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
            await rows.get(Tally, "n")
            raise ZeroDivisionError

        append = Append(
            writes=(write_of(ANN, claims=(MAIL,)), write_of(BOB)),
            command=command_of("c1"),
            changes=(tally("append", 2),),
        )
        with pytest.raises(ZeroDivisionError):
            await inline(engine).append_inline(append, [projection(Counting()), projection(fail, "q")])
        assert await everything(engine) == before

    async def test_a_change_that_does_not_fit_undoes_everything(self, engine: Engine) -> None:
        before = await everything(engine)

        async def too_much(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
            return [tally("q", 1), TOO_MUCH]

        with pytest.raises(InvalidMessage):
            await inline(engine).append_inline(append_of(ANN), [projection(Counting()), projection(too_much, "q")])
        assert await everything(engine) == before

    async def test_a_handler_that_waits_for_anything_else_is_refused(self, engine: Engine) -> None:
        before = await everything(engine)
        ended: list[str] = []

        async def wait(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
            try:
                await rows.get(Tally, "n")
                await asyncio.sleep(0)
            finally:
                ended.append("yes")
            return []

        with pytest.raises(InlineHandlerSuspended, match="'q'"):
            await inline(engine).append_inline(append_of(ANN), [projection(Counting()), projection(wait, "q")])
        assert await everything(engine) == before
        assert ended == ["yes"]

    async def test_a_refused_append_handles_nothing(self, engine: Engine) -> None:
        counting = Counting()
        with pytest.raises(WrongExpectedVersion):
            await inline(engine).append_inline(append_of(ANN, expected=Exact(3)), [projection(counting)])
        assert counting.given == []

    async def test_the_engine_goes_on_after_a_failure(self, engine: Engine) -> None:
        async def fail(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
            raise ZeroDivisionError

        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await inline(engine).append_inline(append_of(ANN), [projection(fail)])
            await inline(engine).append_inline(append_of(ANN), [projection(Counting())])
        assert await totals(engine.read_models) == {"n": 3}
