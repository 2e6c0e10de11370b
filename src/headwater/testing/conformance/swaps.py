"""The law of Generations.swap: everything changes over at once, and whoever was at work begins again."""

from __future__ import annotations

import pytest

from headwater.errors import CheckpointConflict, UnknownName
from headwater.models.model import ReadModel
from headwater.ports.engine import Engine
from headwater.ports.generations import NewGeneration
from headwater.ports.place import Place
from headwater.testing.conformance.commits import at, commit_of, parked_at, state_of, swap, totals
from headwater.testing.conformance.generations import begin, fill, remark, standings
from headwater.testing.controls import Remark, Tally, tally

__all__ = ["SwapsConformance"]


async def ready(engine: Engine) -> None:
    """One served and one built, both at offset 5 of partition 0."""
    await begin(engine)
    await begin(engine, 2)
    await fill(engine, 0, tally("a", 1), remark("old"))
    await fill(engine, 1, tally("a", 2), remark("new"))


async def effects(engine: Engine, generation: int, partition: int = 0, key_range: int = 0) -> int:
    return (await engine.projections.checkpoint(Place("p", partition, generation, key_range))).effects


class SwapsConformance:
    """Enrol with the fixture `engine`."""

    @pytest.fixture(autouse=True)
    async def _tables(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally, Remark])

    # -- rows --------------------------------------------------------------

    async def test_all_read_models_change_over_together(self, engine: Engine) -> None:
        await ready(engine)
        assert await swap(engine, "p", 1)
        assert await totals(engine.read_models) == {"a": 2}
        assert await engine.read_models.get(Remark, "r") == Remark(name="r", text="new")
        assert await standings(engine) == {0: "previous", 1: "serving"}

    async def test_a_generation_is_read_wherever_it_stands(self, engine: Engine) -> None:
        await ready(engine)
        readers = [engine.generations.rows("p", number, [Tally, Remark]) for number in (0, 1)]
        for served in (1, 0, 1):
            assert await swap(engine, "p", served)
            assert [await totals(rows) for rows in readers] == [{"a": 1}, {"a": 2}]
            assert await totals(engine.read_models) == await totals(readers[served])

    async def test_the_one_served_then_takes_commits_and_writes(self, engine: Engine) -> None:
        await ready(engine)
        await swap(engine, "p", 1)
        await fill(engine, 1, tally("b", 3), start=5, next=6, epoch=2)
        await fill(engine, 0, tally("b", 9), start=5, next=6, epoch=2)
        await engine.projections.write([tally("c", 4)])
        assert await totals(engine.read_models) == {"a": 2, "b": 3, "c": 4}
        assert await totals(engine.generations.rows("p", 0, [Tally])) == {"a": 1, "b": 9}

    async def test_what_only_the_next_one_writes_is_there_with_it(self, engine: Engine) -> None:
        first: list[type[ReadModel]] = [Tally]
        second: list[type[ReadModel]] = [Tally, Remark]
        for version, models in enumerate((first, second), 1):
            wanted = NewGeneration(projection="p", version=version, fingerprint="", key_ranges=1, models=models)
            await engine.generations.begin(wanted)
        await fill(engine, 1, remark("new"))
        assert await engine.read_models.get(Remark, "r") is None
        await swap(engine, "p", 1)
        assert await engine.read_models.get(Remark, "r") == Remark(name="r", text="new")
        await swap(engine, "p", 0)
        assert await engine.read_models.get(Remark, "r") is None

    async def test_parked_events_stay_with_their_generation(self, engine: Engine) -> None:
        await ready(engine)
        await engine.parking.park(parked_at(2))
        await engine.parking.park(parked_at(3, generation=1))
        await swap(engine, "p", 1)
        assert [event.offset for event in await engine.parking.parked("p", generation=0)] == [2]
        assert [event.offset for event in await engine.parking.parked("p", generation=1)] == [3]

    # -- which -------------------------------------------------------------

    async def test_the_way_back_is_open_at_once(self, engine: Engine) -> None:
        await ready(engine)
        await swap(engine, "p", 1)
        await fill(engine, 1, start=5, next=9, epoch=2)
        assert await swap(engine, "p", 0), "the one served before may be behind"
        assert await standings(engine) == {0: "serving", 1: "previous"}
        assert await totals(engine.read_models) == {"a": 1}
        assert await swap(engine, "p", 1)
        assert await totals(engine.read_models) == {"a": 2}

    async def test_the_way_back_leaves_the_one_being_built(self, engine: Engine) -> None:
        await ready(engine)
        await swap(engine, "p", 1)
        await begin(engine, 3)
        assert await swap(engine, "p", 0)
        assert await standings(engine) == {0: "serving", 1: "previous", 2: "building"}

    async def test_the_one_served_before_the_last_is_dropped(self, engine: Engine) -> None:
        await ready(engine)
        await engine.parking.park(parked_at(2))
        await swap(engine, "p", 1)
        await begin(engine, 3)
        await fill(engine, 2, tally("a", 3))
        assert await swap(engine, "p", 2)
        assert await standings(engine) == {1: "previous", 2: "serving"}
        assert {kept.place.generation for kept in await engine.projections.checkpoints("p")} == {1, 2}
        assert list(await engine.parking.parked("p")) == []
        with pytest.raises(CheckpointConflict):
            await fill(engine, 0, tally("a", 9), start=5, next=6, epoch=9)

    async def test_the_one_served_before_can_be_dropped(self, engine: Engine) -> None:
        await ready(engine)
        await swap(engine, "p", 1)
        assert await engine.generations.drop("p", 0)
        assert await standings(engine) == {1: "serving"}
        assert await totals(engine.read_models) == {"a": 2}

    async def test_only_one_built_or_served_before_can_be_served(self, engine: Engine) -> None:
        with pytest.raises(UnknownName):
            await swap(engine, "p", 0)
        await ready(engine)
        for projection, number in (("p", 0), ("p", 2), ("q", 1)):
            with pytest.raises(UnknownName):
                await engine.generations.swap(projection, number)
        with pytest.raises(UnknownName):
            await engine.generations.swap("p", 1, was="previous")
        assert await standings(engine) == {0: "serving", 1: "building"}
        await swap(engine, "p", 1)
        with pytest.raises(UnknownName):  # who thinks that it is being built still does not switch back
            await engine.generations.swap("p", 0)
        assert await standings(engine) == {0: "previous", 1: "serving"}

    async def test_other_projections_stay_as_they_are(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 3, projection="q"))
        await ready(engine)
        await swap(engine, "p", 1)
        assert await at(engine, "q") == (3, 1)

    # -- not before it is there --------------------------------------------

    async def test_one_that_is_behind_is_not_served(self, engine: Engine) -> None:
        await ready(engine)
        await fill(engine, 0, tally("a", 3), start=5, next=6)
        before = await state_of(engine)
        assert not await swap(engine, "p", 1)
        assert await state_of(engine) == before
        await fill(engine, 1, start=5, next=6)
        assert await swap(engine, "p", 1)

    async def test_it_must_be_there_in_every_partition(self, engine: Engine) -> None:
        await ready(engine)
        await engine.projections.commit(commit_of(0, 2, partition=3))
        assert not await swap(engine, "p", 1)
        await engine.projections.commit(commit_of(0, 1, partition=3, generation=1))
        assert not await swap(engine, "p", 1)
        await engine.projections.commit(commit_of(1, 2, partition=3, generation=1))
        assert await swap(engine, "p", 1)

    async def test_it_must_be_there_in_every_key_range(self, engine: Engine) -> None:
        await begin(engine)
        await begin(engine, 2, key_ranges=2)
        await fill(engine, 0, next=5)
        await fill(engine, 1, next=9)
        assert not await swap(engine, "p", 1)
        await engine.projections.commit(commit_of(0, 5, generation=1, key_range=1))
        assert await swap(engine, "p", 1)

    async def test_one_served_by_key_ranges_is_as_far_as_the_last_of_them(self, engine: Engine) -> None:
        await begin(engine, key_ranges=2)
        await begin(engine, 2)
        await fill(engine, 0, next=9)
        await engine.projections.commit(commit_of(0, 4, key_range=1))
        await fill(engine, 1, next=3)
        assert not await swap(engine, "p", 1)
        await fill(engine, 1, start=3, next=4)
        assert await swap(engine, "p", 1)

    async def test_it_can_be_forced(self, engine: Engine) -> None:
        await ready(engine)
        await fill(engine, 0, tally("a", 3), start=5, next=6)
        assert await swap(engine, "p", 1, force=True)
        assert await totals(engine.read_models) == {"a": 2}

    # -- whoever is at work ------------------------------------------------

    async def test_whoever_was_at_work_on_either_commits_nothing(self, engine: Engine) -> None:
        await ready(engine)
        await swap(engine, "p", 1)
        before = await state_of(engine)
        for generation in (0, 1):
            with pytest.raises(CheckpointConflict):
                await fill(engine, generation, tally("a", 9), start=5, next=6)
        assert await state_of(engine) == before
        assert [await at(engine), await at(engine, generation=1)] == [(5, 2), (5, 2)]

    async def test_epochs_rise_in_every_partition_and_with_every_swap(self, engine: Engine) -> None:
        await ready(engine)
        for generation in (0, 1):
            await engine.projections.commit(commit_of(0, 2, partition=3, epoch=4, generation=generation))
        await swap(engine, "p", 1)
        assert [await at(engine, "p", 3, generation) for generation in (0, 1)] == [(2, 5), (2, 5)]
        await swap(engine, "p", 0)
        assert [await at(engine, "p", 3, generation) for generation in (0, 1)] == [(2, 6), (2, 6)]

    # -- side effects ------------------------------------------------------

    async def test_side_effects_go_on_where_they_have_come_to(self, engine: Engine) -> None:
        await begin(engine)
        await begin(engine, 2)
        await engine.projections.commit(commit_of(0, 5, effects=4))
        await fill(engine, 1)
        await swap(engine, "p", 1)
        assert await effects(engine, 1) == 4

    async def test_side_effects_never_go_back(self, engine: Engine) -> None:
        await begin(engine)
        await begin(engine, 2)
        await engine.projections.commit(commit_of(0, 5, effects=2))
        await engine.projections.commit(commit_of(0, 5, generation=1, effects=3))
        await swap(engine, "p", 1)
        assert await effects(engine, 1) == 3
        await swap(engine, "p", 0)
        assert await effects(engine, 0) == 3

    async def test_side_effects_are_carried_range_by_range(self, engine: Engine) -> None:
        await begin(engine, key_ranges=2)
        await begin(engine, 2, key_ranges=2)
        for key_range, done in enumerate((4, 2)):
            await engine.projections.commit(commit_of(0, 5, key_range=key_range, effects=done))
            await engine.projections.commit(commit_of(0, 5, key_range=key_range, generation=1))
        await swap(engine, "p", 1)
        assert [await effects(engine, 1, key_range=key_range) for key_range in (0, 1)] == [4, 2]

    async def test_other_ranges_begin_at_the_least_of_them(self, engine: Engine) -> None:
        await begin(engine, key_ranges=2)
        await begin(engine, 2, key_ranges=3)
        for key_range, done in enumerate((4, 2)):
            await engine.projections.commit(commit_of(0, 5, key_range=key_range, effects=done))
        for key_range in range(3):
            await engine.projections.commit(commit_of(0, 5, key_range=key_range, generation=1))
        await swap(engine, "p", 1)
        assert [await effects(engine, 1, key_range=key_range) for key_range in range(3)] == [2, 2, 2]

    async def test_a_place_that_never_ran_takes_them_too(self, engine: Engine) -> None:
        await begin(engine)
        await begin(engine, 2)
        await engine.projections.commit(commit_of(0, 5, effects=4))
        await swap(engine, "p", 1, force=True)
        assert (await at(engine, generation=1))[0] == 0
        assert await effects(engine, 1) == 4
