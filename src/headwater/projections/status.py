"""ProjectionStatus: where a projection stands, and what keeps it from going on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from headwater.ports.conditions import Pause, Trouble
from headwater.ports.generations import Generation, State
from headwater.ports.place import Place
from headwater.projections.parts import ProjectionParts
from headwater.projections.projection import Projection
from headwater.projections.reaching import places_of
from headwater.projections.runner import Runner

__all__ = ["Condition", "ProjectionStatus", "status_of"]

Condition: TypeAlias = Literal["running", "elsewhere", "waiting", "paused", "failing", "outdated", "kept", "idle"]
"""running here; elsewhere, in another process; waiting for a lease; paused; failing, and tried again later, or not at
all; outdated: our code is older or newer than what is served; kept, to switch back to; idle: nobody runs it."""


class ProjectionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A projection at one place."""

    projection: str
    partition: int
    generation: int = 0
    key_range: int = 0
    version: int = 1
    state: State = "serving"
    condition: Condition = "idle"
    offset: int
    """The next offset it will read."""
    head: int
    """The offset the log's next event will get."""
    lag_seconds: float = 0.0
    """The age of the first event it has not read; 0 where there is none."""
    running: bool
    """In this process."""
    owner: str | None
    """Of the lease; None if nobody runs it."""
    parked: int
    """Events, those that wait included."""
    failed: str | None = None
    """Why it gave up here, or fails wherever it runs."""
    trouble: Trouble | None = None
    pause: Pause | None = None

    @property
    def lag(self) -> int:
        """Offsets still to read."""
        return max(0, self.head - self.offset)


class _Looked(msgspec.Struct, frozen=True):
    """What the store says of all projections, read at once."""

    offsets: Mapping[Place, int]
    owners: Mapping[str, str]
    pauses: Mapping[str, Pause]
    troubles: Mapping[Place, Trouble]
    heads: Sequence[int]


async def status_of(
    parts: ProjectionParts, projections: Mapping[str, Projection | None], runners: Mapping[Place, Runner]
) -> list[ProjectionStatus]:
    """By projection, generation and place; None stands for a projection whose code is not at hand."""
    looked = _Looked(
        offsets={kept.place: kept.offset for kept in await parts.store.checkpoints()},
        owners={lease.name: lease.owner for lease in await parts.leases.holders()},
        pauses={pause.projection: pause for pause in await parts.conditions.pauses()},
        troubles={trouble.place: trouble for trouble in await parts.conditions.troubles()},
        heads=[await parts.log.head(partition) for partition in range(parts.log.partitions)],
    )
    found: list[ProjectionStatus] = []
    for name, projection in sorted(projections.items()):
        for generation in await _generations(parts, name):
            parked = await _parked(parts, generation)
            for place in places_of(generation, len(looked.heads)):
                one = await _at(parts, looked, projection, generation, place, runners.get(place))
                found.append(msgspec.structs.replace(one, parked=parked[place.partition]))
    return found


async def _at(
    parts: ProjectionParts,
    looked: _Looked,
    projection: Projection | None,
    generation: Generation,
    place: Place,
    runner: Runner | None,
) -> ProjectionStatus:
    """One place, but for what is parked."""
    standing, head = parts.arrivals.at(place), looked.heads[place.partition]
    offset = standing.offset if standing else looked.offsets.get(place, 0)
    trouble, pause = looked.troubles.get(place), looked.pauses.get(place.projection)
    owner = looked.owners.get(place.lease)
    gave_up = str(runner.failed) if runner is not None and runner.failed else None
    return ProjectionStatus(
        projection=place.projection,
        partition=place.partition,
        generation=generation.number,
        key_range=place.key_range,
        version=generation.version,
        state=generation.state,
        condition=_condition(projection, generation, runner, owner, pause, trouble),
        offset=offset,
        head=head,
        lag_seconds=await _age(parts, place.partition, offset, head),
        running=runner is not None and runner.running,
        owner=owner,
        parked=0,
        failed=gave_up or (trouble.error if trouble else None),
        trouble=trouble,
        pause=pause,
    )


async def _generations(parts: ProjectionParts, name: str) -> Sequence[Generation]:
    return await parts.generations.all(name) or [Generation(projection=name, number=0)]


async def _parked(parts: ProjectionParts, generation: Generation) -> Counter[int]:
    """Events by partition."""
    parked: Counter[int] = Counter()
    for queue in await parts.parking.queues(generation.projection, generation.number):
        parked[queue.partition] += queue.events
    return parked


async def _age(parts: ProjectionParts, partition: int, offset: int, head: int) -> float:
    """Seconds since the event at an offset was appended."""
    if offset >= head:
        return 0.0
    first: Iterable[int] = [event.timestamp for event in (await parts.log.read(partition, offset, 1)).events]
    return max([0.0, *((parts.clock.micros() - timestamp) / 1_000_000 for timestamp in first)])


def _condition(
    projection: Projection | None,
    generation: Generation,
    runner: Runner | None,
    owner: str | None,
    pause: Pause | None,
    trouble: Trouble | None,
) -> Condition:
    if generation.state == "previous":
        return "kept"
    if pause is not None:
        return "paused"
    if trouble is not None or (runner is not None and runner.failed is not None):
        return "failing"
    if runner is not None and runner.running:
        return "running"
    if owner is not None:
        return "elsewhere"
    if projection is not None and generation.state == "serving" and generation.version != projection.declared.version:
        return "outdated"
    return "idle" if runner is None else "waiting"
