"""The law of ProjectionStore.reset: a generation, or one partition of it, back at the start in place."""

from __future__ import annotations

import pytest

from headwater.errors import CheckpointConflict, InvalidMessage
from headwater.models.changes import Delete, Insert
from headwater.ports.engine import Engine
from headwater.ports.generations import NewGeneration
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint
from headwater.testing.conformance.commits import at, commit_of, parked_at, reset_of, state_of, totals
from headwater.testing.conformance.products import Product
from headwater.testing.controls import TOO_MUCH, Tally, tally

__all__ = ["ResetsConformance"]


class ResetsConformance:
    """Enrol with the fixture `engine`."""

    @pytest.fixture(autouse=True)
    async def _tables(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally])

    # -- all of it ---------------------------------------------------------

    async def test_reset_starts_a_projection_anew_and_leaves_the_others(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, tally("a", 1), parked=(parked_at(2),)))
        await engine.projections.commit(commit_of(0, 6, partition=1))
        await engine.projections.commit(commit_of(0, 7, projection="q", parked=(parked_at(3, "q"),)))
        await engine.projections.reset(reset_of(4, Tally))
        assert [await at(engine), await at(engine, "p", 1), await at(engine, "q")] == [(0, 4), (0, 4), (7, 1)]
        assert await totals(engine.read_models) == {}
        assert [event.projection for event in await engine.parking.parked()] == ["q"]

    async def test_reset_leaves_the_side_effects_done(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, effects=5))
        await engine.projections.reset(reset_of(2, Tally))
        place = Place("p", 0)
        assert await engine.projections.checkpoint(place) == Checkpoint(place=place, offset=0, epoch=2, effects=5)

    async def test_reset_makes_tables_that_are_missing(self, engine: Engine) -> None:
        await engine.projections.reset(reset_of(1, Product))
        await engine.projections.commit(commit_of(0, 1, Insert(Product(id="a", name="one"))))
        assert len(await engine.read_models.search(Product, ["name"], ["one"], 10)) == 1

    async def test_a_worker_from_before_the_reset_commits_nothing(self, engine: Engine) -> None:
        await engine.projections.reset(reset_of(2, Tally))
        for partition in range(engine.log.partitions):
            with pytest.raises(CheckpointConflict):
                await engine.projections.commit(commit_of(0, 5, tally("a", 1), epoch=1, partition=partition))
        assert await totals(engine.read_models) == {}
        await engine.projections.commit(commit_of(0, 5, tally("a", 1), epoch=2))
        assert await totals(engine.read_models) == {"a": 1}

    async def test_every_key_range_is_reset(self, engine: Engine) -> None:
        wanted = NewGeneration(projection="p", version=1, fingerprint="", key_ranges=3, models=[Tally])
        await engine.generations.begin(wanted)
        await engine.projections.commit(commit_of(0, 5, key_range=1))
        await engine.projections.reset(reset_of(2, Tally))
        for key_range in range(3):
            assert await at(engine, key_range=key_range) == (0, 2)
            with pytest.raises(CheckpointConflict):
                await engine.projections.commit(commit_of(0, 5, epoch=1, key_range=key_range))

    async def test_one_generation_is_reset_and_the_other_stays(self, engine: Engine) -> None:
        for version in (1, 2):
            wanted = NewGeneration(projection="p", version=version, fingerprint="", key_ranges=1, models=[Tally])
            await engine.generations.begin(wanted)
            parked = (parked_at(2, generation=version - 1),)
            await engine.projections.commit(commit_of(0, 5, tally("a", version), generation=version - 1, parked=parked))
        built = engine.generations.rows("p", 1, [Tally])
        await engine.projections.reset(reset_of(2, Tally, generation=1))
        assert [await at(engine), await at(engine, generation=1)] == [(5, 1), (0, 2)]
        assert [await totals(engine.read_models), await totals(built)] == [{"a": 1}, {}]
        assert [event.generation for event in await engine.parking.parked()] == [0]

    # -- one partition -----------------------------------------------------

    async def test_one_partition_is_reset_and_the_others_stay(self, engine: Engine) -> None:
        for partition, name in enumerate("ab"):
            await engine.projections.commit(
                commit_of(
                    0, 5, tally(name, 1), partition=partition, effects=3, parked=(parked_at(2, partition=partition),)
                )
            )
        await engine.projections.reset(reset_of(4, partition=1, changes=(Delete(Tally, "b"),)))
        assert [await at(engine), await at(engine, "p", 1)] == [(5, 1), (0, 4)]
        assert (await engine.projections.checkpoint(Place("p", 1))).effects == 3
        assert await totals(engine.read_models) == {"a": 1}
        assert [event.partition for event in await engine.parking.parked()] == [0]

    async def test_a_partition_that_never_ran_is_fenced_too(self, engine: Engine) -> None:
        await engine.projections.reset(reset_of(2, partition=0))
        with pytest.raises(CheckpointConflict):
            await engine.projections.commit(commit_of(0, 5, epoch=1))

    async def test_a_reset_is_all_or_nothing(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, tally("a", 1), parked=(parked_at(2),)))
        before = await state_of(engine)
        with pytest.raises(InvalidMessage):
            await engine.projections.reset(reset_of(4, partition=0, changes=(Delete(Tally, "a"), TOO_MUCH)))
        assert await state_of(engine) == before
