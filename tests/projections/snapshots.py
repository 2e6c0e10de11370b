"""What the tests of snapshots share: an application on the shop, a second shop with the same log, and marks of both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headwater.domain.append import Append, Write
from headwater.domain.event import NewEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion
from headwater.models.hashing import TableHash, table_hash
from headwater.ports.engine import Engine
from headwater.ports.log import LogFilter
from headwater.ports.projection_store import Checkpoint
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import ProjectionParts
from headwater.projections.snapshotting import ReadModelSnapshotManager
from headwater.projections.synchronizer import ReadModelSynchronizer
from tests.projections.shop import Added, Removed, Shop, Stock, StockView, no_sleep

__all__ = ["Application", "checkpoints", "copy_log", "hash_of", "history", "only"]


class Application:
    """A CQRSManager, as far as snapshots need one."""

    def __init__(
        self,
        shop: Shop,
        *handlers: ProjectionHandler,
        store_id: str | None = None,
        parts: ProjectionParts | None = None,
    ) -> None:
        self.engine: Engine = shop.engine
        self._parts = parts or shop.parts
        self.synchronizer: ReadModelSynchronizer = shop.synchronizer(*(handlers or (Stock(),)), parts=self._parts)
        self.store_id = shop.identity.store_id if store_id is None else store_id

    def projection_parts(self) -> ProjectionParts:
        return self._parts

    def snapshots(self, folder: Path, **options: Any) -> ReadModelSnapshotManager:
        """A manager that never takes one by itself, unless told to."""
        defaults: dict[str, Any] = {"snapshot_interval": 1_000_000, "sleep": no_sleep}
        return ReadModelSnapshotManager(self, directory=folder, **(defaults | options))

    async def caught_up(self) -> None:
        """Run the projections up to the end of the log."""
        await self.synchronizer.start()
        await self.synchronizer.caught_up(20)
        await self.synchronizer.stop()


async def history(shop: Shop, count: int = 30) -> None:
    for number in range(count):
        await shop.append(f"item-{number % 7}", Added(units=number), Removed(units=1))


async def copy_log(shop: Shop, other: Shop) -> None:
    """The same events, ids included, at the same offsets."""
    for partition in range(shop.engine.log.partitions):
        page = await shop.engine.log.read(partition, 0, 100_000, LogFilter(hidden=True))
        for event in page.events:
            new = NewEvent(event.event_id, event.type, event.schema, event.data)
            write = Write(stream=StreamId.parse(event.stream), expected=AnyVersion(), events=(new,))
            await other.engine.events.append(Append(writes=(write,)))


async def hash_of(shop: Shop) -> TableHash:
    return table_hash(await shop.views.find(StockView))


async def checkpoints(shop: Shop) -> Sequence[Checkpoint]:
    """Of the generation that is served."""
    (served,) = [g.number for g in await shop.engine.generations.all() if g.state == "serving"]
    return [kept for kept in await shop.engine.projections.checkpoints() if kept.place.generation == served]


def only(folder: Path) -> Path:
    (path,) = folder.glob("*.snapshot")
    return path
