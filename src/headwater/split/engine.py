"""SplitEngine: a log in one store, and everything that follows it in another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from headwater.models.model import ReadModel
from headwater.ports.admin import Admin
from headwater.ports.engine import Engine, Identity
from headwater.ports.exports import Exported, Exports
from headwater.ports.projection_store import ProjectionStore
from headwater.ports.wakeups import Wakeups
from headwater.split.admin import BothAdmin
from headwater.split.events import events_apart
from headwater.split.projections import ProjectionsOfAnother
from headwater.split.wakeups import wakeups_of_both

__all__ = ["SplitEngine", "split"]


class SplitEngine:
    """Events, unique keys, commands and snapshots of one engine; read models and all that moves them of another.

    Checkpoints lie with the read models, so that an effect still happens once. What would commit rows with the events
    it lacks. The first application that opens both binds the second store to the log, for good and to no other.
    """

    def __init__(self, log: Engine, views: Engine) -> None:
        self._log = log
        self._views = views
        self._store_id = ""
        self.stores = log, views
        self.name = f"{log.name} with read models in {views.name}"
        self.events = events_apart(log.events)
        self.unique_keys = log.unique_keys
        self.log = log.log
        self.commands = log.commands
        self.imports = log.imports
        self.snapshots = log.snapshots
        self.projections: ProjectionStore = ProjectionsOfAnother(views.projections, views.generations, log.log)
        self.generations = views.generations
        self.conditions = views.conditions
        self.parking = views.parking
        self.read_models = views.read_models
        self.read_model_schema = views.read_model_schema
        self.leases = views.leases
        self.journal = views.journal
        self.wakeups: Wakeups = wakeups_of_both(log.wakeups, views.wakeups)
        self.admin: Admin = BothAdmin(self.name, log.admin, views.admin)

    async def open(self) -> Identity:
        """Open both: which store this is, the log says."""
        identity = await self._log.open()
        try:
            await self._views.open()
        except BaseException:
            await self.close()
            raise
        self._store_id = identity.store_id
        return identity

    async def follow(self, store_id: str) -> None:
        """Bind the second to the log. Raises StoreMismatch where it follows another, or the log is itself a second.

        Whichever of them refuses, the other is left as it was.
        """
        for store in (self._log, self._views) if store_id == self._store_id else (self._views, self._log):
            await store.follow(store_id)

    async def close(self) -> None:
        try:
            await self._views.close()
        finally:
            await self._log.close()


class ExportingSplitEngine(SplitEngine):
    """The same where the second one is an Exports."""

    def __init__(self, log: Engine, views: Engine, exports: Exports) -> None:
        super().__init__(log, views)
        self._exports = exports

    def export(
        self, projection: str, number: int, models: Sequence[type[ReadModel]], page: int = 1_000
    ) -> AsyncIterator[Exported]:
        """As the second engine's."""
        return self._exports.export(projection, number, models, page)


def split(log: Engine, views: Engine) -> Engine:
    """One engine of two: the log of the first, the read side of the second."""
    return ExportingSplitEngine(log, views, views) if isinstance(views, Exports) else SplitEngine(log, views)
