"""The law of ProjectionStore: effects and checkpoint together, fenced by start and epoch."""

from __future__ import annotations

import pytest

from headwater.errors import CheckpointConflict, InvalidMessage, InvalidVersion
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update, Upsert
from headwater.ports.engine import Engine
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint
from headwater.testing.conformance.commits import at, commit_of, parked_at, reset_of, state_of, totals
from headwater.testing.controls import TOO_MUCH, Tally, tally

__all__ = ["ProjectionStoreConformance"]


class ProjectionStoreConformance:
    """Enrol with the fixture `engine`."""

    @pytest.fixture(autouse=True)
    async def _tables(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally])

    # -- checkpoints -------------------------------------------------------

    async def test_a_projection_that_never_ran_is_at_the_start(self, engine: Engine) -> None:
        place = Place("p", 0)
        assert await engine.projections.checkpoint(place) == Checkpoint(place=place, offset=0, epoch=0, effects=0)
        assert list(await engine.projections.checkpoints()) == []
        assert list(await engine.projections.checkpoints("p")) == []

    async def test_a_commit_moves_the_checkpoint_and_makes_the_changes(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, tally("a", 1), tally("b", 2)))
        assert await at(engine) == (5, 1)
        assert await totals(engine.read_models) == {"a": 1, "b": 2}

    async def test_a_checkpoint_may_move_without_changes_and_stay_with_them(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5))
        await engine.projections.commit(commit_of(5, 5, tally("a", 1)))
        assert await at(engine) == (5, 1)
        assert await totals(engine.read_models) == {"a": 1}

    async def test_checkpoints_are_listed_by_place(self, engine: Engine) -> None:
        places = [("b", 0, 0), ("a", 10, 0), ("a", 2, 1), ("a", 2, 0)]
        for projection, partition, key_range in places:
            await engine.projections.commit(
                commit_of(0, 1 + partition, projection=projection, partition=partition, key_range=key_range)
            )
        listed = [kept.place for kept in await engine.projections.checkpoints()]
        assert listed == [Place("a", 2, 0, 0), Place("a", 2, 0, 1), Place("a", 10, 0, 0), Place("b", 0, 0, 0)]
        assert [kept.place for kept in await engine.projections.checkpoints("a")] == listed[:3]
        assert [kept.offset for kept in await engine.projections.checkpoints("b")] == [1]
        assert list(await engine.projections.checkpoints("c")) == []

    async def test_a_commit_moves_effects_or_leaves_them(self, engine: Engine) -> None:
        place = Place("p", 0)
        await engine.projections.commit(commit_of(0, 5, effects=4))
        assert (await engine.projections.checkpoint(place)).effects == 4
        await engine.projections.commit(commit_of(5, 6))
        assert (await engine.projections.checkpoint(place)).effects == 4
        await engine.projections.commit(commit_of(6, 6, effects=6))
        assert await engine.projections.checkpoint(place) == Checkpoint(place=place, offset=6, epoch=1, effects=6)

    # -- fencing -----------------------------------------------------------

    async def test_a_commit_from_another_start_writes_nothing(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, tally("a", 1)))
        before = await state_of(engine)
        for start in (0, 4, 6):
            with pytest.raises(CheckpointConflict):
                await engine.projections.commit(
                    commit_of(start, 9, tally("a", 2), tally("b", 1), parked=(parked_at(7),), effects=9)
                )
            assert await state_of(engine) == before

    async def test_a_commit_of_an_older_epoch_writes_nothing(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, tally("a", 1), epoch=3, parked=(parked_at(4),)))
        before = await state_of(engine)
        with pytest.raises(CheckpointConflict):
            await engine.projections.commit(commit_of(5, 9, tally("a", 2), epoch=2, unparked=(4,), effects=9))
        assert await state_of(engine) == before

    async def test_a_later_epoch_takes_over_and_keeps_out_the_former(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, epoch=1))
        await engine.projections.commit(commit_of(5, 6, epoch=2))
        assert await at(engine) == (6, 2)
        with pytest.raises(CheckpointConflict):
            await engine.projections.commit(commit_of(6, 7, epoch=1))

    async def test_places_are_fenced_apart(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, epoch=9))
        await engine.projections.commit(commit_of(0, 3, epoch=1, partition=1))
        await engine.projections.commit(commit_of(0, 4, epoch=1, projection="q"))
        await engine.projections.commit(commit_of(0, 2, epoch=1, key_range=1))
        assert [await at(engine), await at(engine, "p", 1), await at(engine, "q")] == [(5, 9), (3, 1), (4, 1)]
        assert await at(engine, key_range=1) == (2, 1)

    async def test_a_generation_nobody_began_is_refused(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, tally("a", 1)))
        before = await state_of(engine)
        for generation in (1, 7):
            with pytest.raises(CheckpointConflict):
                await engine.projections.commit(commit_of(0, 5, tally("a", 2), generation=generation))
            with pytest.raises(CheckpointConflict):
                await engine.projections.checkpoint(Place("p", 0, generation))
            with pytest.raises(CheckpointConflict):
                await engine.projections.reset(reset_of(9, Tally, generation=generation))
        assert await state_of(engine) == before

    async def test_a_checkpoint_never_goes_back(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5))
        before = await state_of(engine)
        with pytest.raises(InvalidVersion):
            await engine.projections.commit(commit_of(5, 4, tally("a", 1)))
        assert await state_of(engine) == before

    async def test_a_change_that_does_not_fit_undoes_the_commit(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, tally("a", 1)))
        before = await state_of(engine)
        with pytest.raises(InvalidMessage):
            await engine.projections.commit(commit_of(5, 6, tally("b", 1), TOO_MUCH, parked=(parked_at(5),)))
        assert await state_of(engine) == before

    # -- parked events -----------------------------------------------------

    async def test_a_commit_parks_and_takes_back(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, parked=(parked_at(2), parked_at(4, error=None))))
        assert [event.offset for event in await engine.parking.parked("p")] == [2, 4]
        await engine.parking.park(parked_at(2, partition=1))
        await engine.projections.commit(commit_of(5, 5, tally("a", 1), unparked=(2,)))
        left = [(event.partition, event.offset) for event in await engine.parking.parked("p")]
        assert left == [(0, 4), (1, 2)]
        assert await totals(engine.read_models) == {"a": 1}

    # -- changes -----------------------------------------------------------

    async def test_changes_mean_the_same_everywhere(self, engine: Engine) -> None:
        missing = Tally(name="m", total=10)
        steps: list[tuple[Change, dict[str, int]]] = [
            (Update(Tally, "m", {"total": 1}), {}),
            (Delete(Tally, "m"), {}),
            (Upsert(Tally, "m", {"total": 1}, missing), {"m": 10}),
            (Upsert(Tally, "m", {"total": 1}, missing), {"m": 1}),
            (Accumulate(Tally, "m", missing, add={"total": 4}), {"m": 5}),
            (Accumulate(Tally, "m", missing, max={"total": 7}), {"m": 7}),
            (Accumulate(Tally, "m", missing, min={"total": 6}), {"m": 6}),
            (Insert(Tally(name="m")), {"m": 0}),
            (Delete(Tally, "m"), {}),
            (Accumulate(Tally, "m", missing, add={"total": 4}), {"m": 14}),
        ]
        for change, expected in steps:
            await engine.projections.write([change])
            assert await totals(engine.read_models) == expected, change

    async def test_changes_are_made_in_order(self, engine: Engine) -> None:
        await engine.projections.write(
            [tally("a", 1), Delete(Tally, "a"), tally("a", 2), Update(Tally, "a", {"total": 3})]
        )
        assert await totals(engine.read_models) == {"a": 3}

    async def test_a_write_is_all_or_nothing(self, engine: Engine) -> None:
        with pytest.raises(InvalidMessage):
            await engine.projections.write([tally("a", 1), TOO_MUCH])
        assert await totals(engine.read_models) == {}
        await engine.projections.write([])
