"""ReadModelSynchronizer: keeps read models in step with the log."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncGenerator, Iterable
from typing import Protocol

import msgspec

from headwater.errors import BadDeclaration, ConsistencyTimeout
from headwater.ports.log import Log
from headwater.projections.dead_letters import DeadLetterQueue
from headwater.projections.handler import ProjectionHandler
from headwater.projections.listeners import ErrorListener, Listeners, Occasion
from headwater.projections.parts import HasProjectionParts, ProjectionParts, RunnerOptions
from headwater.projections.progress import Progress
from headwater.projections.projection import Projection, bind_all, find
from headwater.projections.reaching import Deadline, reached
from headwater.projections.rebuild import Rebuild, Rebuilder
from headwater.projections.runner import Runner, lease_name, stop_all
from headwater.projections.status import ProjectionStatus, status_of
from headwater.projections.turn import Turn, resume

__all__ = ["HasLog", "ReadModelSynchronizer"]


class HasLog(Protocol):
    """An event store that can be read as a log."""

    @property
    def log(self) -> Log: ...


class ReadModelSynchronizer:
    """Runs projections: each in every partition, under a lease, effect and checkpoint in one transaction.

    Any number of processes may run the same ones; each place is run by one of them. `event_store` is followed in
    place of the application's own; checkpoints lie beside the read models, in `projection_checkpoints`.

    Raises DuplicateName, BadSignature or BadDeclaration for projections that cannot work.
    """

    def __init__(
        self,
        application: ProjectionParts | HasProjectionParts,
        *,
        event_store: HasLog | None = None,
        projection_handlers: Iterable[ProjectionHandler] = (),
        checkpoint_store: str = "projection_checkpoints",
        options: RunnerOptions | None = None,
    ) -> None:
        if checkpoint_store != "projection_checkpoints":
            raise BadDeclaration(
                f"checkpoint_store={checkpoint_store!r}: checkpoints are committed with the read models' changes, "
                "in 'projection_checkpoints'; to keep two sets apart, give the projections other names"
            )
        parts = application if isinstance(application, ProjectionParts) else application.projection_parts()
        self._parts = parts if event_store is None else msgspec.structs.replace(parts, log=event_store.log)
        self._options = options or RunnerOptions()
        self._listeners = Listeners()
        self._handlers: list[ProjectionHandler] = []
        self.projections: dict[str, Projection] = {}
        """By name."""
        self.add(*projection_handlers)
        self.dead_letters = DeadLetterQueue(self._parts, self.projections, self._release)
        self._runners: dict[tuple[str, int], Runner] = {}

    def add(self, *handlers: ProjectionHandler) -> None:
        """Projections to run beside those given at first; before `start`."""
        bound = bind_all([*self._handlers, *handlers], self._parts.injector)
        for projection in bound.values():
            self._parts.registry.register(*projection.events)
        self._handlers.extend(handlers)
        self.projections.update(bound)

    def on(self, occasion: Occasion, listener: ErrorListener) -> None:
        """`on("projection_error", f)`: f(error, event), sync or async, after the event is parked."""
        self._listeners.on(occasion, listener)

    async def start(self) -> None:
        """Begin, in tasks of this loop. Raises CheckpointAheadOfLog, StoreMismatch; starting twice changes nothing."""
        await self._parts.schema.ensure([model for p in self.projections.values() for model in p.writes])
        for projection in self.projections.values():
            await self._check_heads(projection)
        for projection in self.projections.values():
            self._start(projection)

    async def stop(self, drain: float = 15.0) -> None:
        """Finish the pages at hand within `drain` seconds, store checkpoints, release leases; idempotent.

        Cancelled, it does not wait for the pages.
        """
        runners, self._runners = self._runners, {}
        await stop_all([*runners.values()], drain)

    async def caught_up(self, timeout: float = 30.0) -> None:
        """Return once every projection has passed the events that are in the log now; raises ConsistencyTimeout."""
        deadline = Deadline(self._parts, timeout)
        heads = [await self._parts.log.head(partition) for partition in range(self._parts.log.partitions)]
        for name in self.projections:
            for partition, head in enumerate(heads):
                if not await reached(self._parts, name, partition, head, deadline):
                    failure = self._parts.arrivals.failure(name, partition)
                    raise ConsistencyTimeout(None, name, timeout, failure)

    async def status(self) -> list[ProjectionStatus]:
        """Every projection in every partition."""
        return await status_of(self._parts, self.projections, self._runner)

    def rebuild_read_model(self, target: object, from_event: int = 0, batch_size: int = 1000) -> Rebuild:
        """Fill read models again from the log: `await` it, or `async for progress in` it.

        `target` is a projection or one of its read models, by class or name. From 0 the models are emptied and
        their tables made anew; from a later offset the events up to the checkpoint are handled once more over the
        rows as they are, for single-partition logs only.

        Raises UnknownName, InvalidVersion, RebuildRefused; CheckpointConflict or StoreError in the middle.
        """
        projection = find(self.projections, target)
        rebuilder = Rebuilder(projection, self._parts, self._options, self._listeners.tell)
        rebuilder.check(from_event, batch_size)
        return Rebuild(self._rebuild(projection, rebuilder, from_event, batch_size))

    # -- inside ----------------------------------------------------------------

    def _runner(self, projection: str, partition: int) -> Runner | None:
        return self._runners.get((projection, partition))

    async def _rebuild(
        self, projection: Projection, rebuilder: Rebuilder, from_event: int, batch_size: int
    ) -> AsyncGenerator[Progress, None]:
        mine = [place for place in self._runners if place[0] == projection.name]
        await stop_all([self._runners.pop(place) for place in mine], drain=15.0)
        try:
            async with contextlib.aclosing(rebuilder.run(from_event, batch_size)) as steps:
                async for progress in steps:
                    yield progress
        finally:
            if mine:
                self._start(projection)

    def _start(self, projection: Projection) -> None:
        for partition in range(self._parts.log.partitions):
            place = projection.name, partition
            if place not in self._runners:
                self._runners[place] = Runner(projection, partition, self._parts, self._options, self._listeners.tell)
                self._runners[place].start()

    async def _check_heads(self, projection: Projection) -> None:
        for partition in range(self._parts.log.partitions):
            await resume(self._parts, projection.name, partition)

    async def _release(self, projection: Projection, partition: int) -> None:
        """Have parked events handled that are free to go: by our runner, or under the lease if nobody holds it."""
        runner = self._runner(projection.name, partition)
        if runner is not None and runner.running:
            await runner.look_at_parked()
            return
        name = lease_name(projection.name, partition)
        lease = await self._parts.leases.acquire(name, secrets.token_hex(8), self._options.lease_seconds)
        if lease is None:
            return  # whoever holds it is woken by the commit that set them free
        turn = Turn(projection, self._parts, self._options, lease)
        try:
            await turn.begin()
            for failure in turn.failures():
                await self._listeners.tell(failure)
        finally:
            await self._parts.leases.release(lease)
