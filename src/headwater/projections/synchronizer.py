"""ReadModelSynchronizer: keeps read models in step with the log."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterable
from typing import Protocol

import msgspec

from headwater.errors import BadDeclaration, ConsistencyTimeout, RebuildRefused, StoreMismatch
from headwater.models.model import ReadModel
from headwater.ports.conditions import Pause
from headwater.ports.generations import Generation, State
from headwater.ports.log import Log
from headwater.projections.audit import Audit
from headwater.projections.crew import Crew, check_generation, new_generation
from headwater.projections.dead_letters import DeadLetterQueue
from headwater.projections.handler import ProjectionHandler
from headwater.projections.listeners import ErrorListener, Listeners, Occasion
from headwater.projections.parts import HasProjectionParts, ProjectionParts, RunnerOptions
from headwater.projections.progress import Progress
from headwater.projections.projection import Projection, bind_all, find
from headwater.projections.reaching import Deadline, failure_at, reached
from headwater.projections.rebuild import Rebuild, Rebuilder
from headwater.projections.resetting import Resetter
from headwater.projections.seeds import Seeds, begin_from_seeds
from headwater.projections.status import ProjectionStatus, status_of
from headwater.projections.visiting import Visitor

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
        self.seeds: Seeds | None = None
        """Where rebuilds may begin but at zero; a ReadModelSnapshotManager sets itself."""
        self.add(*projection_handlers)
        self._crew = Crew(self.projections, self._parts, self._options, self._listeners.tell, self._build)
        self._visitor = Visitor(self._parts, self._options, self._crew.runners, self._listeners.tell)
        self._audit = Audit(self._parts.journal, self._parts.clock)
        self.dead_letters = DeadLetterQueue(
            self._parts, self.projections, self._visitor.release, self._audit, self._options
        )

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
        """Begin, in tasks of this loop; starting twice changes nothing.

        A projection of a newer version than the one served is built beside it, and served when it has caught up.
        Raises CheckpointAheadOfLog, ProjectionOutdated, BadDeclaration, StoreMismatch.
        """
        unfit = await self.find_unfit()
        await self._parts.schema.ensure([m for p in self.projections.values() for m in p.writes if m not in unfit])
        if self.seeds is not None:
            await begin_from_seeds(self.seeds, self._parts, self.projections.values())
        await self._crew.start()

    async def stop(self, drain: float = 15.0) -> None:
        """Finish the pages at hand within `drain` seconds, store checkpoints, release leases; idempotent.

        Cancelled, it does not wait for the pages.
        """
        await self._crew.stop(drain)

    async def find_unfit(self, rebuilding: bool = False) -> set[type[ReadModel]]:
        """Read models of a newer version than the one served whose tables do not fit until the new one is.

        For `rebuilding`, whatever projection's tables differ from their classes; else raises ProjectionOutdated where
        a later version is served whose tables this code cannot read.
        """
        served = {g.projection: g for g in await self._parts.generations.all() if g.state == "serving"}
        for projection in self.projections.values():
            of = served.get(projection.name)
            if rebuilding or (of is not None and of.version != projection.declared.version):
                unfit = [model for model in projection.writes if not await self._fits(model)]
                if unfit and of is not None and not rebuilding:
                    check_generation(projection, of)
                self._parts.unfit.update(unfit)
        return self._parts.unfit

    async def caught_up(self, timeout: float = 30.0) -> None:
        """Return once every projection has passed the events that are in the log now; raises ConsistencyTimeout."""
        deadline = Deadline(self._parts, timeout)
        heads = [await self._parts.log.head(partition) for partition in range(self._parts.log.partitions)]
        for name in self.projections:
            for partition, head in enumerate(heads):
                if not await reached(self._parts, name, partition, head, deadline):
                    raise ConsistencyTimeout(None, name, timeout, failure_at(self._parts, name, partition))

    async def status(self) -> list[ProjectionStatus]:
        """Every projection at every place of its generations."""
        return await status_of(self._parts, self.projections, self._crew.runners)

    # -- rebuilding ------------------------------------------------------------

    def rebuild_read_model(
        self, target: object, from_event: int = 0, batch_size: int = 1000, *, from_snapshot: bool = False
    ) -> Rebuild:
        """Fill read models again from the log: `await` it, or `async for progress in` it.

        `target` is a projection or one of its read models, by class or name. From 0 they are filled beside the ones
        that are served, which answer queries all along, and then served in their place; `switch_back` undoes that.
        A rebuild that was left or died is finished by whoever runs the projection, or goes on here: see
        `cancel_rebuild`. From a later offset the events up to the checkpoint are handled once more over the rows as
        they are, for single-partition logs only. With `from_snapshot` they begin with the newest usable one of the
        application's ReadModelSnapshotManager: quicker, and no cure for rows that are wrong.

        Raises UnknownName, InvalidVersion, RebuildRefused; CheckpointConflict or StoreError in the middle.
        """
        projection = find(self.projections, target)
        rebuilder = Rebuilder(projection, self._parts, self._options, self._listeners.tell)
        rebuilder.check(from_event, batch_size)
        if from_snapshot and (from_event or self.seeds is None):
            raise RebuildRefused("from_snapshot=True needs a ReadModelSnapshotManager, and from_event= left out")
        if from_event:
            return Rebuild(self._again_from(projection, rebuilder, from_event, batch_size))
        return Rebuild(self._beside(projection, rebuilder, batch_size, self.seeds if from_snapshot else None))

    async def cancel_rebuild(self, target: object, by: str = "") -> bool:
        """Drop the generation that is being built; False if there is none. Raises UnknownName."""
        projection = find(self.projections, target)
        found = await self._generation(projection, "building")
        if found is None or not await self._parts.generations.drop(projection.name, found.number):
            return False
        await self._audit.note("projection.cancel_rebuild", projection.name, by)
        return True

    async def switch_back(self, target: object, by: str = "") -> Generation:
        """Serve the generation that was served before, at once; it goes on from where it was left.

        Raises UnknownName, RebuildRefused if none is kept.
        """
        projection = find(self.projections, target)
        previous = await self._generation(projection, "previous")
        if previous is None:
            raise RebuildRefused(f"no earlier generation of {projection.name!r} is kept: rebuild it instead")
        await self._parts.generations.swap(projection.name, previous.number, was="previous")
        await self._audit.note("projection.switch_back", projection.name, by, f"generation {previous.number}")
        if previous.version == projection.declared.version:
            self._parts.unfit.difference_update(projection.writes)
        await self._crew.reconcile()
        return msgspec.structs.replace(previous, state="serving")

    async def drop_previous(self, target: object, by: str = "") -> bool:
        """Forget the generation that was served before; False if none is kept."""
        projection = find(self.projections, target)
        previous = await self._generation(projection, "previous")
        if previous is None or not await self._parts.generations.drop(projection.name, previous.number):
            return False
        await self._audit.note("projection.drop_previous", projection.name, by, f"generation {previous.number}")
        return True

    # -- standing still, and starting over -------------------------------------

    async def pause(self, target: object, reason: str = "", by: str = "") -> None:
        """Have a projection stand still in every process, restarts included, until `resume`. Raises UnknownName."""
        projection = find(self.projections, target)
        now = self._parts.clock.micros()
        pause = Pause(projection=projection.name, by=by or self._audit.whoami, reason=reason, since=now)
        await self._parts.conditions.pause(pause)
        await self._audit.note("projection.pause", projection.name, by, reason)
        await self._crew.reconcile()

    async def resume(self, target: object, by: str = "") -> bool:
        """Let it go on; False if it was not paused. Raises UnknownName."""
        projection = find(self.projections, target)
        resumed = await self._parts.conditions.resume(projection.name)
        if resumed:
            await self._audit.note("projection.resume", projection.name, by)
            await self._crew.forgive(projection.name)
            await self._crew.reconcile()
        return resumed

    async def reset(
        self, target: object, *, partition: int | None = None, stream: str | None = None, by: str = ""
    ) -> None:
        """Start over in place, at once and unlike a rebuild not beside: all of a projection, a partition, or a stream.

        The rest goes on meanwhile. A partition or a stream can be reset where every row it wrote is keyed by it: in a
        Fold whose key is the stream. Raises UnknownName, ResetRefused.
        """
        projection = find(self.projections, target)
        served = await self._parts.generations.begin(new_generation(projection), beside=False)
        resetter = Resetter(projection, served, self._parts, self._options)
        subject = await resetter.reset(partition, stream)
        await self._audit.note("projection.reset", subject, by)
        await self._crew.forgive(projection.name)
        await self._crew.reconcile()

    # -- inside ----------------------------------------------------------------

    async def _beside(
        self, projection: Projection, rebuilder: Rebuilder, batch_size: int, seeds: Seeds | None
    ) -> AsyncGenerator[Progress, None]:
        await self._audit.note("projection.rebuild", projection.name, "")
        seeded = None if seeds is None else await seeds.seeded(projection)
        async with contextlib.aclosing(rebuilder.beside(batch_size, seeded)) as steps:
            async for progress in steps:
                yield progress
        self._parts.unfit.difference_update(projection.writes)
        await self._crew.reconcile()

    async def _again_from(
        self, projection: Projection, rebuilder: Rebuilder, from_event: int, batch_size: int
    ) -> AsyncGenerator[Progress, None]:
        served = await self._parts.generations.begin(new_generation(projection), beside=False)
        self._crew.held.add(projection.name)
        try:
            await self._crew.reconcile()
            async with contextlib.aclosing(rebuilder.again_from(served, from_event, batch_size)) as steps:
                async for progress in steps:
                    yield progress
        finally:
            self._crew.held.discard(projection.name)
            await self._crew.reconcile()

    async def _build(self, projection: Projection, generation: Generation) -> None:
        """What the crew has done where a rebuild was begun, or this code is newer than what is served."""
        rebuilder = Rebuilder(projection, self._parts, self._options, self._listeners.tell)
        async for _ in rebuilder.beside(1000, generation):
            pass

    async def _generation(self, projection: Projection, state: State) -> Generation | None:
        found = [g for g in await self._parts.generations.all(projection.name) if g.state == state]
        return found[0] if found else None

    async def _fits(self, model: type[ReadModel]) -> bool:
        try:
            await self._parts.schema.ensure([model])
        except StoreMismatch:
            return False
        return True
