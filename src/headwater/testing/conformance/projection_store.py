"""The law of ProjectionStore: effects and checkpoint together, fenced by start and epoch."""

from __future__ import annotations

import pytest

from headwater.errors import CheckpointConflict, InvalidMessage, InvalidVersion
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update, Upsert
from headwater.ports.engine import Engine
from headwater.ports.parking import ParkedEvent
from headwater.ports.projection_store import Checkpoint, ProjectionCommit
from headwater.ports.read_models import Selection
from headwater.testing.conformance.products import Product
from headwater.testing.controls import TOO_MUCH, Tally, tally

__all__ = ["ProjectionStoreConformance", "commit_of"]


def commit_of(
    start: int,
    next: int,
    *changes: Change,
    epoch: int = 1,
    partition: int = 0,
    projection: str = "p",
    parked: tuple[ParkedEvent, ...] = (),
    unparked: tuple[int, ...] = (),
) -> ProjectionCommit:
    return ProjectionCommit(
        projection=projection,
        partition=partition,
        epoch=epoch,
        start=start,
        next=next,
        changes=changes,
        parked=parked,
        unparked=unparked,
    )


def parked_at(offset: int, projection: str = "p", error: str | None = "ValueError: no") -> ParkedEvent:
    return ParkedEvent(projection=projection, partition=0, offset=offset, key="user-ann", type="Noted", error=error)


async def at(engine: Engine, projection: str = "p", partition: int = 0) -> tuple[int, int]:
    """Offset and epoch of a checkpoint."""
    checkpoint = await engine.projections.checkpoint(projection, partition)
    return checkpoint.offset, checkpoint.epoch


async def totals(engine: Engine) -> dict[str, int]:
    return {row.name: row.total for row in await engine.read_models.find(Tally, Selection())}


async def state_of(engine: Engine) -> object:
    """All that a commit may change."""
    return await engine.projections.checkpoints(), await totals(engine), await engine.parking.parked()


class ProjectionStoreConformance:
    """Enrol with the fixture `engine`."""

    @pytest.fixture(autouse=True)
    async def _tables(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally])

    # -- checkpoints -------------------------------------------------------

    async def test_a_projection_that_never_ran_is_at_the_start(self, engine: Engine) -> None:
        assert await engine.projections.checkpoint("p", 0) == Checkpoint(projection="p", partition=0)
        assert list(await engine.projections.checkpoints()) == []

    async def test_a_commit_moves_the_checkpoint_and_makes_the_changes(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, tally("a", 1), tally("b", 2)))
        assert await at(engine) == (5, 1)
        assert await totals(engine) == {"a": 1, "b": 2}

    async def test_a_checkpoint_may_move_without_changes_and_stay_with_them(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5))
        await engine.projections.commit(commit_of(5, 5, tally("a", 1)))
        assert await at(engine) == (5, 1)
        assert await totals(engine) == {"a": 1}

    async def test_checkpoints_are_listed_by_projection_and_partition(self, engine: Engine) -> None:
        places = [("b", 0), ("a", 10), ("a", 2)]
        for projection, partition in places:
            await engine.projections.commit(commit_of(0, 1 + partition, projection=projection, partition=partition))
        listed = [(kept.projection, kept.partition, kept.offset) for kept in await engine.projections.checkpoints()]
        assert listed == [("a", 2, 3), ("a", 10, 11), ("b", 0, 1)]

    # -- fencing -----------------------------------------------------------

    async def test_a_commit_from_another_start_writes_nothing(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, tally("a", 1)))
        before = await state_of(engine)
        for start in (0, 4, 6):
            with pytest.raises(CheckpointConflict):
                await engine.projections.commit(
                    commit_of(start, 9, tally("a", 2), tally("b", 1), parked=(parked_at(7),))
                )
            assert await state_of(engine) == before

    async def test_a_commit_of_an_older_epoch_writes_nothing(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, tally("a", 1), epoch=3, parked=(parked_at(4),)))
        before = await state_of(engine)
        with pytest.raises(CheckpointConflict):
            await engine.projections.commit(commit_of(5, 9, tally("a", 2), epoch=2, unparked=(4,)))
        assert await state_of(engine) == before

    async def test_a_later_epoch_takes_over_and_keeps_out_the_former(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, epoch=1))
        await engine.projections.commit(commit_of(5, 6, epoch=2))
        assert await at(engine) == (6, 2)
        with pytest.raises(CheckpointConflict):
            await engine.projections.commit(commit_of(6, 7, epoch=1))

    async def test_partitions_and_projections_are_fenced_apart(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, epoch=9))
        await engine.projections.commit(commit_of(0, 3, epoch=1, partition=1))
        await engine.projections.commit(commit_of(0, 4, epoch=1, projection="q"))
        assert [await at(engine), await at(engine, "p", 1), await at(engine, "q")] == [(5, 9), (3, 1), (4, 1)]

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
        await engine.projections.commit(commit_of(5, 5, tally("a", 1), unparked=(2,)))
        assert [event.offset for event in await engine.parking.parked("p")] == [4]
        assert await totals(engine) == {"a": 1}

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
            assert await totals(engine) == expected, change

    async def test_changes_are_made_in_order(self, engine: Engine) -> None:
        await engine.projections.write(
            [tally("a", 1), Delete(Tally, "a"), tally("a", 2), Update(Tally, "a", {"total": 3})]
        )
        assert await totals(engine) == {"a": 3}

    async def test_a_write_is_all_or_nothing(self, engine: Engine) -> None:
        with pytest.raises(InvalidMessage):
            await engine.projections.write([tally("a", 1), TOO_MUCH])
        assert await totals(engine) == {}
        await engine.projections.write([])

    # -- reset -------------------------------------------------------------

    async def test_reset_starts_a_projection_anew_and_leaves_the_others(self, engine: Engine) -> None:
        await engine.projections.commit(commit_of(0, 5, tally("a", 1), parked=(parked_at(2),)))
        await engine.projections.commit(commit_of(0, 6, partition=1))
        await engine.projections.commit(commit_of(0, 7, projection="q", parked=(parked_at(3, "q"),)))
        await engine.projections.reset("p", [Tally], epoch=4)
        assert [await at(engine), await at(engine, "p", 1), await at(engine, "q")] == [(0, 4), (0, 4), (7, 1)]
        assert await totals(engine) == {}
        assert [event.projection for event in await engine.parking.parked()] == ["q"]

    async def test_reset_makes_tables_that_are_missing(self, engine: Engine) -> None:
        await engine.projections.reset("p", [Product], epoch=1)
        await engine.projections.commit(commit_of(0, 1, Insert(Product(id="a", name="one"))))
        assert len(await engine.read_models.search(Product, ["name"], ["one"], 10)) == 1

    async def test_a_worker_from_before_the_reset_commits_nothing(self, engine: Engine) -> None:
        await engine.projections.reset("p", [Tally], epoch=2)
        with pytest.raises(CheckpointConflict):
            await engine.projections.commit(commit_of(0, 5, tally("a", 1), epoch=1))
        assert await totals(engine) == {}
        await engine.projections.commit(commit_of(0, 5, tally("a", 1), epoch=2))
        assert await totals(engine) == {"a": 1}
