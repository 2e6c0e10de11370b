"""Visitor: work at a place that somebody asks for, by the runner that holds it, or under its lease for a moment."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from headwater.ports.generations import Generation
from headwater.ports.place import Place
from headwater.projections.leasing import acquired, given_back
from headwater.projections.page import Failure
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.projection import Projection
from headwater.projections.reaching import places_of
from headwater.projections.runner import Runner
from headwater.projections.troubles import new_owner
from headwater.projections.turn import Turn

__all__ = ["Visitor"]


class Visitor:
    """Takes turns between those of the runners."""

    def __init__(
        self,
        parts: ProjectionParts,
        options: RunnerOptions,
        runners: Mapping[Place, Runner],
        tell: Callable[[Failure], Awaitable[None]],
    ) -> None:
        self._parts = parts
        self._options = options
        self._runners = runners
        self._tell = tell

    async def release(self, projection: Projection, partition: int) -> None:
        """Have parked events of what is served handled that are free to go: by our runner, or under the lease."""
        for served in await self._parts.generations.all(projection.name):
            if served.state == "serving":
                for place in places_of(served, self._parts.log.partitions):
                    if place.partition == partition:
                        await self._release_at(projection, served, place)

    async def _release_at(self, projection: Projection, served: Generation, place: Place) -> None:
        runner = self._runners.get(place)
        if runner is not None and runner.running:
            await runner.look_at_parked()
            return
        async with self.turn(projection, served, place):
            pass  # where somebody else holds the place, the commit that set them free has woken it

    @asynccontextmanager
    async def turn(self, projection: Projection, served: Generation, place: Place) -> AsyncGenerator[Turn | None, None]:
        """A turn at a place that nobody holds; None where somebody does."""
        lease = await acquired(self._parts.leases, place.lease, new_owner(), self._options.lease_seconds)
        if lease is None:
            yield None
            return
        turn = Turn(projection, served, place, self._parts, self._options, lease)
        try:
            await turn.begin()
            yield turn
            for failure in turn.failures():
                await self._tell(failure)
        finally:
            turn.end()
            await given_back(self._parts.leases, lease)
