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


async def status_of(
    parts: ProjectionParts, projections: Mapping[str, Projection], runners: Mapping[Place, Runner]
) -> list[ProjectionStatus]:
    """By projection, generation and place."""
    offsets = {kept.place: kept.offset for kept in await parts.store.checkpoints()}
    owners = {lease.name: lease.owner for lease in await parts.leases.holders()}
    pauses = {pause.projection: pause for pause in await parts.conditions.pauses()}
    troubles = {trouble.place: trouble for trouble in await parts.conditions.troubles()}
    heads = [await parts.log.head(partition) for partition in range(parts.log.partitions)]
    found: list[ProjectionStatus] = []
    for name, projection in sorted(projections.items()):
        for generation in await _generations(parts, name):
            parked = await _parked(parts, generation)
            for place in places_of(generation, len(heads)):
                runner, standing = runners.get(place), parts.arrivals.at(place)
                offset = standing.offset if standing else offsets.get(place, 0)
                trouble, pause = troubles.get(place), pauses.get(name)
                gave_up = str(runner.failed) if runner is not None and runner.failed else None
                owner = owners.get(place.lease)
                found.append(
                    ProjectionStatus(
                        projection=name,
                        partition=place.partition,
                        generation=generation.number,
                        key_range=place.key_range,
                        version=generation.version,
                        state=generation.state,
                        condition=_condition(projection, generation, runner, owner, pause, trouble),
                        offset=offset,
                        head=heads[place.partition],
                        lag_seconds=await _age(parts, place.partition, offset, heads[place.partition]),
                        running=runner is not None and runner.running,
                        owner=owner,
                        parked=parked[place.partition],
                        failed=gave_up or (trouble.error if trouble else None),
                        trouble=trouble,
                        pause=pause,
                    )
                )
    return found


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
    projection: Projection,
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
    if generation.state == "serving" and generation.version != projection.declared.version:
        return "outdated"
    return "idle" if runner is None else "waiting"
