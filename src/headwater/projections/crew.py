"""Crew: the runners of this process, kept in step with what the store says is to run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from headwater.errors import BadDeclaration, ProjectionOutdated, ProjectionStopped, StoreError
from headwater.ports.generations import Generation, NewGeneration
from headwater.ports.place import Place
from headwater.projections.bookmark import resume
from headwater.projections.leasing import acquired, given_back
from headwater.projections.page import Failure
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.projection import Projection
from headwater.projections.reaching import places_of
from headwater.projections.runner import Runner
from headwater.projections.stopping import stop_all
from headwater.projections.troubles import new_owner

__all__ = ["Crew", "Roll", "check_generation", "new_generation"]

_log = logging.getLogger("headwater.projections")

Tell = Callable[[Failure], Awaitable[None]]
Build = Callable[[Projection, Generation], Awaitable[object]]


class Roll:
    """What the store says of one projection: its generations, and whether it is paused."""

    def __init__(self, generations: list[Generation], paused: bool) -> None:
        self.serving = next((g for g in generations if g.state == "serving"), None)
        self.building = next((g for g in generations if g.state == "building"), None)
        self.previous = next((g for g in generations if g.state == "previous"), None)
        self.paused = paused

    def calls_for(self, version: int) -> bool:
        """True if this version is to be built: it is newer than what is served, and nobody switched back from it."""
        left = self.previous is not None and self.previous.version >= version
        return self.serving is not None and self.serving.version < version and not left


class Crew:
    """Runs what is served and of our version, unless paused; has built what is begun, or of a new version.

    A look is taken at every wake-up of the store, but not more often than every tenth of `watch_seconds`, and at
    least every `watch_seconds`.
    """

    def __init__(
        self,
        projections: Mapping[str, Projection],
        parts: ProjectionParts,
        options: RunnerOptions,
        tell: Tell,
        build: Build,
    ) -> None:
        self.runners: dict[Place, Runner] = {}
        self.held: set[str] = set()
        """Projections that somebody here sees to for a while."""
        self._projections = projections
        self._parts = parts
        self._options = options
        self._tell = tell
        self._build = build
        self._builds: dict[str, asyncio.Task[object]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin what is to run. Raises CheckpointAheadOfLog, ProjectionOutdated, BadDeclaration, StoreError."""
        if self._task is not None:
            return
        rolls = await self.look()
        for name, projection in self._projections.items():
            roll = rolls[name]
            if roll.serving is None:
                roll.serving = await self._parts.generations.begin(new_generation(projection), beside=False)
            check_generation(projection, roll.serving)
            for place in places_of(roll.serving, self._parts.log.partitions):
                await resume(self._parts, place)
        await self._muster(rolls)
        self._task = asyncio.create_task(self._watch(), name="projections")

    async def stop(self, drain: float) -> None:
        """End all after the pages at hand, within `drain` seconds; idempotent. Cancelled, it does not wait."""
        watch, self._task = self._task, None
        builds, self._builds = self._builds, {}
        for task in (watch, *builds.values()):
            if task is not None:
                task.cancel()
        runners = [*self.runners.values()]
        self.runners.clear()
        for projection in self._projections:
            self._parts.arrivals.served.pop(projection, None)
        try:
            await stop_all(runners, drain)
        finally:
            pending = [task for task in (watch, *builds.values()) if task is not None]
            if pending:
                await asyncio.wait(pending)

    async def look(self) -> dict[str, Roll]:
        """What the store says, by projection."""
        paused = {pause.projection for pause in await self._parts.conditions.pauses()}
        found: dict[str, list[Generation]] = {name: [] for name in self._projections}
        for generation in await self._parts.generations.all():
            if generation.projection in found:
                found[generation.projection].append(generation)
        return {name: Roll(generations, name in paused) for name, generations in found.items()}

    async def reconcile(self) -> None:
        """Look, and start and stop what has changed, if this crew is at work. Raises StoreError."""
        if self._task is None:
            return
        stopped = [place for place, runner in self.runners.items() if isinstance(runner.failed, ProjectionStopped)]
        rolls = await self.look()  # they have paused their projection before; if it is not, somebody has resumed it
        await self._dismiss([place for place in stopped if not rolls[place.projection].paused])
        await self._muster(rolls)

    async def forgive(self, projection: str) -> None:
        """Have those of its runners that gave up begin anew at the next look."""
        failed = [place for place, runner in self.runners.items() if runner.failed is not None]
        await self._dismiss([place for place in failed if place.projection == projection])

    # -- inside ----------------------------------------------------------------

    async def _watch(self) -> None:
        seen = self._parts.wakeups.seen()
        while True:
            await asyncio.sleep(self._options.watch_seconds / 10)
            seen = await self._parts.wakeups.wait(seen, self._options.watch_seconds)
            try:
                await self.reconcile()
            except StoreError as error:
                _log.warning("cannot see what is to run: %s: %s", type(error).__name__, error)
            except Exception:
                _log.exception("cannot see what is to run")

    async def _muster(self, rolls: Mapping[str, Roll]) -> None:
        wanted: dict[Place, tuple[Projection, Generation]] = {}
        ending: set[asyncio.Task[object]] = set()
        for name, projection in self._projections.items():
            roll = rolls[name]
            if roll.serving is not None:
                places = places_of(roll.serving, self._parts.log.partitions)
                self._parts.arrivals.served[name] = tuple(places)
                if fits(projection, roll.serving):
                    self._parts.unfit.difference_update(projection.writes)
                if not roll.paused and name not in self.held and fits(projection, roll.serving):
                    wanted.update((place, (projection, roll.serving)) for place in places)
            if roll.paused:
                ending |= self._end_building(name)
            else:
                self._see_to_building(projection, roll)
        gone = [place for place in self.runners if place not in wanted]
        await self._dismiss(gone)
        if ending:
            await asyncio.wait(ending)
        for place, (projection, generation) in wanted.items():
            if place not in self.runners:
                runner = Runner(projection, generation, place, self._parts, self._options, self._tell)
                self.runners[place] = runner
                runner.start()

    async def _dismiss(self, places: Iterable[Place]) -> None:
        await stop_all([self.runners.pop(place) for place in places if place in self.runners], drain=15.0)

    def _see_to_building(self, projection: Projection, roll: Roll) -> None:
        """Go on with what is being built for our code; begin it where our version is newer than what is served."""
        task = self._builds.get(projection.name)
        is_under_way = task is not None and not task.done() and not task.cancelling()
        is_called_for = roll.calls_for(projection.declared.version) or _is_ours(projection, roll.building)
        if is_called_for and not is_under_way:
            self._builds[projection.name] = asyncio.create_task(self._built(projection))

    def _end_building(self, name: str) -> set[asyncio.Task[object]]:
        """What is to be waited for, if anything: also by who finds it ending already."""
        task = self._builds.get(name)
        if task is None or task.done():
            return set()
        if not task.cancelling():
            task.cancel()
        return {task} - {asyncio.current_task()}

    async def _to_build(self, projection: Projection) -> Generation | None:
        """What is being built for our code, or begun for our version; None if another process was first or is at it."""
        leases, name = self._parts.leases, projection.name
        lease = await acquired(leases, _beginning(name), new_owner(), self._options.lease_seconds)
        if lease is None:
            return None
        try:
            roll = (await self.look())[name]
            if _is_ours(projection, roll.building):
                return roll.building  # it may be served by now, and is not to be begun again
            if roll.calls_for(projection.declared.version):
                return await self._parts.generations.begin(new_generation(projection))
            return None
        finally:
            await given_back(leases, lease)

    async def _built(self, projection: Projection) -> None:
        try:
            generation = await self._to_build(projection)
            if generation is not None:
                await self._build(projection, generation)
        except Exception as error:
            _log.warning("building %r: %s: %s", projection.name, type(error).__name__, error)
            await self._options.sleep(self._options.pause)


def _beginning(projection: str) -> str:
    """The lease under which is decided whether a generation is to be begun: of two that see the need, one does it."""
    return f"projection:{projection}:begin"


def new_generation(projection: Projection) -> NewGeneration:
    """What a generation filled by this code is."""
    declared = projection.declared
    return NewGeneration(
        projection=projection.name,
        version=declared.version,
        fingerprint=projection.fingerprint,
        key_ranges=declared.key_ranges,
        models=projection.writes,
    )


def fits(projection: Projection, served: Generation) -> bool:
    """True if this code may go on filling what is served."""
    declared = projection.declared
    return (served.version, served.key_ranges) == (declared.version, declared.key_ranges)


def check_generation(projection: Projection, served: Generation) -> None:
    """Raises ProjectionOutdated where a later version is served, BadDeclaration for other key ranges of this one."""
    declared = projection.declared
    if served.version > declared.version:
        raise ProjectionOutdated(
            f"version {served.version} of projection {projection.name!r} is served, this code declares version "
            f"{declared.version}: deploy the later one, or go back with `headwater projections switch-back "
            f"{projection.name}` while the earlier generation is kept"
        )
    if served.version == declared.version and served.key_ranges != declared.key_ranges:
        raise BadDeclaration(
            f"version {served.version} of projection {projection.name!r} has key_ranges={served.key_ranges}, this code "
            f"declares {declared.key_ranges}: raise version= to deal its keys anew"
        )


def _is_ours(projection: Projection, building: Generation | None) -> bool:
    wanted = new_generation(projection)
    return building is not None and (building.version, building.fingerprint, building.key_ranges) == (
        wanted.version,
        wanted.fingerprint,
        wanted.key_ranges,
    )
