"""ProjectionStore: checkpoints in a dictionary, beside the rows."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.domain.version import check_count
from headwater.engines.memory.parking import set_aside
from headwater.engines.memory.state import Part, State
from headwater.errors import CheckpointConflict, InvalidVersion
from headwater.models.changes import Change
from headwater.models.model import ReadModel
from headwater.ports.projection_store import Checkpoint, ProjectionCommit

__all__ = ["MemoryProjectionStore"]


class MemoryProjectionStore(Part):
    async def checkpoint(self, projection: str, partition: int) -> Checkpoint:
        return _checkpoint(self._state, projection, partition)

    async def checkpoints(self) -> Sequence[Checkpoint]:
        return [kept for _, kept in sorted(self._state.checkpoints.items())]

    async def commit(self, commit: ProjectionCommit) -> None:
        state = self._state
        _check_commit(_checkpoint(state, commit.projection, commit.partition), commit)
        state.rows.apply(commit.changes)
        for offset in commit.unparked:
            state.parked.pop((commit.projection, commit.partition, offset), None)
        for event in commit.parked:
            set_aside(state, event)
        _keep(state, commit.projection, commit.partition, commit.next, commit.epoch)
        state.committed()

    async def write(self, changes: Sequence[Change]) -> None:
        self._state.rows.apply(changes)
        self._state.committed()

    async def reset(self, projection: str, models: Sequence[type[ReadModel]], epoch: int) -> None:
        state = self._state
        check_count(epoch, "epoch")
        state.rows.make(models)
        state.rows.empty(models)
        for place in [place for place in state.parked if place[0] == projection]:
            del state.parked[place]
        kept = {partition for name, partition in state.checkpoints if name == projection}
        for partition in kept.union(range(len(state.log))):  # a first commit of an older epoch must fail as well
            _keep(state, projection, partition, 0, epoch)
        state.committed()


def _checkpoint(state: State, projection: str, partition: int) -> Checkpoint:
    kept = state.checkpoints.get((projection, partition))
    return Checkpoint(projection=projection, partition=partition) if kept is None else kept


def _check_commit(kept: Checkpoint, commit: ProjectionCommit) -> None:
    check_count(commit.epoch, "epoch")
    check_count(commit.start, "start")
    if check_count(commit.next, "next") < commit.start:
        raise InvalidVersion(f"a checkpoint only moves on: next {commit.next} is below start {commit.start}")
    if kept.offset != commit.start or kept.epoch > commit.epoch:
        raise CheckpointConflict(
            f"projection {kept.projection!r}, partition {kept.partition} is at offset {kept.offset} of epoch "
            f"{kept.epoch}, the commit was made from {commit.start} of epoch {commit.epoch}: read it again"
        )


def _keep(state: State, projection: str, partition: int, offset: int, epoch: int) -> None:
    state.checkpoints[projection, partition] = Checkpoint(
        projection=projection, partition=partition, offset=offset, epoch=epoch
    )
