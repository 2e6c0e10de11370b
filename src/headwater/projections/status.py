"""ProjectionStatus: where a projection stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from headwater.projections.parts import ProjectionParts
from headwater.projections.runner import Runner, lease_name

__all__ = ["ProjectionStatus", "status_of"]


class ProjectionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A projection in one partition."""

    projection: str
    partition: int
    offset: int
    """The next offset it will read."""
    head: int
    """The offset the log's next event will get."""
    running: bool
    """In this process."""
    owner: str | None
    """Of the lease; None if nobody runs it."""
    parked: int
    """Events, those that wait included."""
    failed: str | None = None
    """Why it gave up here."""

    @property
    def lag(self) -> int:
        """Offsets still to read."""
        return max(0, self.head - self.offset)


async def status_of(
    parts: ProjectionParts, names: Iterable[str], runner_of: Callable[[str, int], Runner | None]
) -> list[ProjectionStatus]:
    """By projection and partition."""
    offsets = {(kept.projection, kept.partition): kept.offset for kept in await parts.store.checkpoints()}
    owners = {lease.name: lease.owner for lease in await parts.leases.holders()}
    parked = Counter((event.projection, event.partition) for event in await parts.parking.parked())
    heads = [await parts.log.head(partition) for partition in range(parts.log.partitions)]

    def one(name: str, partition: int) -> ProjectionStatus:
        standing, runner = parts.arrivals.at(name, partition), runner_of(name, partition)
        return ProjectionStatus(
            projection=name,
            partition=partition,
            offset=standing.offset if standing else offsets.get((name, partition), 0),
            head=heads[partition],
            running=runner is not None and runner.running,
            owner=owners.get(lease_name(name, partition)),
            parked=parked[name, partition],
            failed=str(runner.failed) if runner is not None and runner.failed else None,
        )

    return [one(name, partition) for name in sorted(names) for partition in range(len(heads))]
