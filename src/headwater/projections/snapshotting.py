"""ReadModelSnapshotManager: keeps copies of read models as of a point of the log, to begin from."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from headwater.errors import BadDeclaration, HeadwaterError, SnapshotUnusable
from headwater.ports.engine import Engine
from headwater.ports.exports import Exports
from headwater.ports.generations import Generation
from headwater.projections.crew import new_generation
from headwater.projections.leasing import given_back
from headwater.projections.parts import ProjectionParts, Sleep
from headwater.projections.projection import Projection, find
from headwater.projections.renewal import Renewal
from headwater.projections.snapshotting_fit import code_of
from headwater.projections.snapshotting_seed import Seeding
from headwater.projections.snapshotting_shelf import SnapshotShelf
from headwater.projections.snapshotting_take import SnapshotTaker
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.projections.troubles import new_owner
from headwater.read_models.snapshots_blocks import compressor
from headwater.read_models.snapshots_header import events_passed
from headwater.read_models.snapshots_reading import ReadModelSnapshot

__all__ = ["HasSnapshotParts", "ReadModelSnapshotManager"]

LEASE: Final = "snapshots"
_LEASE_SECONDS: Final = 15.0
_log = logging.getLogger("headwater.projections")


class HasSnapshotParts(Protocol):
    """An application: CQRSManager is one."""

    engine: Engine
    synchronizer: ReadModelSynchronizer

    @property
    def store_id(self) -> str: ...

    def projection_parts(self) -> ProjectionParts: ...


class ReadModelSnapshotManager:
    """Takes a snapshot of each projection every so many events, from which a rebuild can begin instead of at zero.

    A snapshot holds the rows, checkpoints and parked events of what is served, as of one moment, while writers go on.
    It is a cache, used only where the code and the log would make the very same rows: of the same store, projection,
    version, code, key ranges, partitions and declared fields, not ahead of the log, and with the same events before
    its checkpoints. Any other, and a damaged one, is passed over with a warning, for an older one and at last for zero.

    `rebuild_read_model(target, from_snapshot=True)` begins from one; without that a rebuild begins at zero. Make this
    before the application is opened, and with `start_new=True` a version of a projection that never ran on this store
    (a new machine with a restored log, say) begins from one, too.

    Arguments:
        directory: a folder of its own, made if need be.
        snapshot_interval: events between two snapshots of a projection, those of all partitions.
        compression_enabled: by Zstandard, which `pip install 'headwater[zstd]'` brings.
        keep: how many usable ones of each projection are kept.

    Use it with `async with` while the application is open, or `start()` and `stop()`. One process at a time takes
    snapshots. Raises BadDeclaration for what cannot work and for an engine without Exports, MissingExtra.
    """

    def __init__(
        self,
        application: HasSnapshotParts,
        *,
        directory: str | Path,
        snapshot_interval: int = 10_000,
        compression_enabled: bool = True,
        keep: int = 2,
        start_new: bool = False,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        for name, number in (("snapshot_interval", snapshot_interval), ("keep", keep)):
            if type(number) is not int or number < 1:
                raise BadDeclaration(f"{name}= is a whole number from 1, got {number!r}")
        engine = application.engine
        if not isinstance(engine, Exports):
            raise BadDeclaration(
                f"the engine {engine.name!r} cannot read all rows as of one moment, which a snapshot needs: "
                "rebuild from zero there, or keep the read models on an engine that can, as sqlite does"
            )
        if compression_enabled:
            compressor()
        self._application = application
        self._parts = application.projection_parts()
        self._shelf = SnapshotShelf(Path(directory), self._parts, keep)
        self._taker = SnapshotTaker(engine, self._parts, compression_enabled)
        self._interval = snapshot_interval
        self._start_new = start_new
        self._sleep = sleep
        self._owner = new_owner()
        self._turn = asyncio.Lock()
        self._newest: dict[str, int] = {}
        """Events in the newest usable snapshot, by projection, as far as is known here."""
        self._refused: set[tuple[str, int]] = set()
        self._task: asyncio.Task[None] | None = None
        application.synchronizer.seeds = self

    async def start(self) -> None:
        """Begin to watch, in a task of this loop; starting twice changes nothing."""
        await self._shelf.make()
        if self._task is None:
            self._task = asyncio.create_task(self._watch(), name="snapshots")

    async def stop(self) -> None:
        """End it; what was half written is taken away. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # -- what is kept ----------------------------------------------------------

    async def list(self, target: object | None = None) -> Sequence[ReadModelSnapshot]:
        """Those of a projection, or of all, the newest first, each read to its end; `damage` says what is wrong."""
        chosen = self._projections if target is None else [self._find(target)]
        return [snapshot for projection in chosen for snapshot in await self._shelf.all(projection)]

    async def snapshot_now(self, target: object) -> Path:
        """Take one of a projection as it is served now, as soon as no other process takes any.

        Raises UnknownName; SnapshotUnusable where the rows are not of this code alone; StoreError, LimitExceeded,
        OSError.
        """
        projection = self._find(target)
        await self._shelf.make()
        while True:
            seen = self._parts.wakeups.seen()
            async with self._held() as is_held:
                if is_held:
                    return await self._take(projection, await self._served(projection))
            await self._parts.wakeups.wait(seen, 1.0)

    async def prune(self) -> Sequence[Path]:
        """Delete what is older than the newest usable ones, and what was never finished; nothing while others write."""
        async with self._held() as is_held:
            if not is_held:
                return []
            store_id = self._application.store_id
            return [path for one in self._projections for path in await self._shelf.prune(one, store_id)]

    # -- to begin from ---------------------------------------------------------

    async def seeded(self, projection: Projection, new: bool = False) -> Generation | None:
        """A generation with the rows of the newest usable snapshot; None: begin at zero. Raises StoreError."""
        if new and not self._start_new:
            return None
        async with contextlib.aclosing(self._shelf.usable(projection, self._application.store_id)) as usable:
            async for snapshot, header in usable:
                try:
                    return await Seeding(projection, self._parts, snapshot.path, header, snapshot.digest).run()
                except SnapshotUnusable as error:
                    self._shelf.pass_over(snapshot.path, str(error))
        _log.warning("no snapshot of %r can be used: it begins at zero", projection.name)
        return None

    # -- inside ----------------------------------------------------------------

    async def _watch(self) -> None:
        """After every commit of the store, but not more often than every second, see what is due."""
        while True:
            seen = self._parts.wakeups.seen()
            for projection in self._projections:
                try:
                    await self._look(projection)
                except (HeadwaterError, OSError) as error:
                    _log.warning("no snapshot of %r: %s: %s", projection.name, type(error).__name__, error)
            await self._sleep(1.0)
            await self._parts.wakeups.wait(seen, _LEASE_SECONDS)

    async def _look(self, projection: Projection) -> None:
        """Take one if enough events came since the last, be it of another process."""
        served = await self._served(projection)
        if await self._is_due(projection, served):
            async with self._held() as is_held:
                self._newest.pop(projection.name, None)
                if is_held and await self._is_due(projection, served):
                    await self._take(projection, served)

    async def _is_due(self, projection: Projection, served: Generation) -> bool:
        kept = await self._parts.store.checkpoints(projection.name)
        places = [at for at in kept if at.place.generation == served.number]
        events = events_passed((at.place.partition, at.offset) for at in places)
        if projection.name not in self._newest:
            self._newest[projection.name] = await self._events_kept(projection)
        self._newest[projection.name] = min(events, self._newest[projection.name])  # less after a reset or a rebuild
        return events - self._newest[projection.name] >= self._interval

    async def _events_kept(self, projection: Projection) -> int:
        async with contextlib.aclosing(self._shelf.usable(projection, self._application.store_id)) as usable:
            async for _, header in usable:
                return header.events
        return 0

    async def _take(self, projection: Projection, served: Generation) -> Path:
        """Under the lease."""
        if (served.version, code_of(served)) != (projection.declared.version, projection.fingerprint):
            raise SnapshotUnusable(
                f"what is served of {projection.name!r} was begun by other code, so a snapshot would not be of this "
                "code: rebuild it, or raise version="
            )
        path = await self._shelf.next(projection)
        await self._taker.take(projection, served, self._application.store_id, path)
        self._newest.pop(projection.name, None)
        await self._shelf.prune(projection, self._application.store_id)
        return path

    @contextlib.asynccontextmanager
    async def _held(self) -> AsyncGenerator[bool, None]:
        """The right to write into the folder; False while another process has it."""
        async with self._turn:
            lease = await self._parts.leases.acquire(LEASE, self._owner, _LEASE_SECONDS)
            if lease is None:
                yield False
                return
            try:
                async with Renewal(self._parts.leases, _LEASE_SECONDS, [lease]):
                    yield True
            finally:
                await given_back(self._parts.leases, lease)

    async def _served(self, projection: Projection) -> Generation:
        return await self._parts.generations.begin(new_generation(projection), beside=False)

    @property
    def _projections(self) -> Sequence[Projection]:
        """Those that have rows to keep."""
        return [projection for projection in self._application.synchronizer.projections.values() if projection.writes]

    def _find(self, target: object) -> Projection:
        return find(self._application.synchronizer.projections, target)
