"""MemoryEngine: a store in this process."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence

from headwater.engines.memory.admin import MemoryAdmin
from headwater.engines.memory.command_log import MemoryCommandLog
from headwater.engines.memory.conditions import MemoryConditions
from headwater.engines.memory.event_store import MemoryEventStore
from headwater.engines.memory.exports import export
from headwater.engines.memory.generations import MemoryGenerations
from headwater.engines.memory.imports import MemoryImports, follow
from headwater.engines.memory.journal import MemoryJournal
from headwater.engines.memory.leases import MemoryLeases
from headwater.engines.memory.log import MemoryLog
from headwater.engines.memory.parking import MemoryParking
from headwater.engines.memory.projection_store import MemoryProjectionStore
from headwater.engines.memory.read_model_schema import MemoryReadModelSchema
from headwater.engines.memory.read_models import MemoryReadModels
from headwater.engines.memory.snapshots import MemorySnapshots
from headwater.engines.memory.state import State
from headwater.engines.memory.unique_keys import MemoryUniqueKeys
from headwater.engines.memory.wakeups import MemoryWakeups
from headwater.models.model import ReadModel
from headwater.ports.admin import Admin
from headwater.ports.command_log import CommandLog
from headwater.ports.conditions import Conditions
from headwater.ports.engine import EngineOptions, Identity
from headwater.ports.event_store import EventStore
from headwater.ports.exports import Exported
from headwater.ports.generations import Generations
from headwater.ports.imports import Imports
from headwater.ports.journal import Journal
from headwater.ports.leases import Leases
from headwater.ports.log import Log
from headwater.ports.parking import Parking
from headwater.ports.projection_store import ProjectionStore
from headwater.ports.read_model_schema import ReadModelSchema
from headwater.ports.read_models import ReadModels
from headwater.ports.snapshots import Snapshots
from headwater.ports.unique_keys import UniqueKeys
from headwater.ports.wakeups import Wakeups

__all__ = ["MemoryEngine"]


class MemoryEngine:
    """Every port, on plain containers. The store lives as long as this object: closed, it can be opened again."""

    def __init__(self, partitions: int = 1, options: EngineOptions | None = None) -> None:
        options = options or EngineOptions()
        state = self._state = State(partitions, options)
        self._identity = Identity(state.bonds.store_id, secrets.token_bytes(32))
        self.name = "memory"
        self.events: EventStore = MemoryEventStore(state)
        self.unique_keys: UniqueKeys = MemoryUniqueKeys(state)
        self.log: Log = MemoryLog(state)
        self.projections: ProjectionStore = MemoryProjectionStore(state)
        self.generations: Generations = MemoryGenerations(state)
        self.conditions: Conditions = MemoryConditions(state)
        self.parking: Parking = MemoryParking(state)
        self.read_models: ReadModels = MemoryReadModels(state)
        self.read_model_schema: ReadModelSchema = MemoryReadModelSchema(state)
        self.snapshots: Snapshots = MemorySnapshots(state)
        self.commands: CommandLog = MemoryCommandLog(state)
        self.imports: Imports = MemoryImports(state)
        self.leases: Leases = MemoryLeases(state)
        self.journal: Journal = MemoryJournal(state)
        self.wakeups: Wakeups = MemoryWakeups(state)
        self.admin: Admin = MemoryAdmin(state, self._identity.store_id)

    async def open(self) -> Identity:
        self._state.is_open = True
        return self._identity

    async def follow(self, store_id: str) -> None:
        follow(self._state, store_id)

    async def close(self) -> None:
        self._state.is_open = False
        self._state.committed()  # nobody waits for a commit that cannot come

    def export(
        self, projection: str, number: int, models: Sequence[type[ReadModel]], page: int = 1_000
    ) -> AsyncIterator[Exported]:
        """A generation's checkpoints and rows as of one moment; see Exports."""
        return export(self._state, projection, number, models, page)
