"""Engine: one store, as the ports it honours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from headwater.domain.identifier import Identifier
from headwater.errors import BadDeclaration
from headwater.limits import Limits
from headwater.ports.admin import Admin
from headwater.ports.clock import Clock, SystemClock
from headwater.ports.command_log import CommandLog
from headwater.ports.conditions import Conditions
from headwater.ports.event_store import EventStore
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

__all__ = ["Engine", "EngineOptions", "Identity"]


class Identity(msgspec.Struct):
    """Which store this is; made when the store is created, kept by copies of it.

    The one mutable value of the ports: what is wired before the store is open holds it, and learns it then.
    """

    store_id: str = ""
    secret: bytes = b""
    """Signs tokens and cursors; the same for every process on the store."""

    def learn(self, other: Identity) -> None:
        """Become the identity that `Engine.open` returned."""
        self.store_id, self.secret = other.store_id, other.secret


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the composition root hands to an engine."""

    event_store: str = "events"
    """The name of the table or collection of events; another name than the store's own is StoreMismatch."""
    command_store: str = "commands"
    store_id: str | None = None
    """The store expected; another one is StoreMismatch."""
    create: bool = True
    """Make the store if it is not there; else that is StoreUnavailable. What lives in memory is always made."""
    limits: Limits = Limits()
    clock: Clock = SystemClock()
    """What events and records are stamped by; leases too, unless it is the machine's and a server has one for all."""
    query: Mapping[str, str] = {}
    """Options in the URL's query; an unknown one is a ConfigurationError."""

    def __post_init__(self) -> None:
        Identifier(self.event_store)
        Identifier(self.command_store)
        if self.event_store == self.command_store:
            raise BadDeclaration(f"event_store= and command_store= are both {self.event_store!r}: name two tables")


class Engine(Protocol):
    """A store by its ports. What an engine cannot honour it lacks: look with `isinstance` or `getattr`.

    `events` may also be an AtomicAppends and an InlineAppends; an engine with a `backup` is a Backup.
    """

    name: str
    events: EventStore
    unique_keys: UniqueKeys
    log: Log
    projections: ProjectionStore
    generations: Generations
    conditions: Conditions
    parking: Parking
    read_models: ReadModels
    read_model_schema: ReadModelSchema
    snapshots: Snapshots
    commands: CommandLog
    imports: Imports
    leases: Leases
    journal: Journal
    wakeups: Wakeups
    admin: Admin

    async def open(self) -> Identity:
        """Create or open the store. Raises StoreUnavailable, StoreMismatch, FormatTooNew, StoreReadOnly."""
        ...

    async def follow(self, store_id: str) -> None:
        """Say whose log the read models and checkpoints of this store follow: its own, or another store's; for good.

        Whoever runs an application on the store says so before anything else. Idempotent. Raises StoreMismatch where
        they follow another log, which checkpoints made by whoever did not say so count as, too.
        """
        ...

    async def close(self) -> None:
        """Finish what is under way and let go; idempotent."""
        ...
