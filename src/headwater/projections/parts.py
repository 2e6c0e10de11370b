"""Parts: what projections are run with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from headwater.domain.registry import Registry
from headwater.handling.injection import Injector
from headwater.models.model import ReadModel
from headwater.ports.clock import Clock, SystemClock, Timer, steady_micros
from headwater.ports.conditions import Conditions
from headwater.ports.generations import Generations
from headwater.ports.journal import Journal
from headwater.ports.leases import Leases
from headwater.ports.log import Log
from headwater.ports.parking import Parking
from headwater.ports.projection_store import ProjectionStore
from headwater.ports.read_model_schema import ReadModelSchema
from headwater.ports.wakeups import Wakeups
from headwater.projections.arrivals import Arrivals

__all__ = ["HasProjectionParts", "ProjectionParts", "RunnerOptions", "Sleep"]

Sleep = Callable[[float], Awaitable[object]]


class ProjectionParts(msgspec.Struct, frozen=True, kw_only=True):
    """The ports a projection runs on, and what it shares with the rest of the application."""

    log: Log
    store: ProjectionStore
    generations: Generations
    conditions: Conditions
    parking: Parking
    journal: Journal
    leases: Leases
    wakeups: Wakeups
    schema: ReadModelSchema
    registry: Registry
    injector: Injector
    unfit: set[type[ReadModel]] = msgspec.field(default_factory=set[type[ReadModel]])
    """Read models whose served tables are of an earlier version that this code cannot read."""
    by_event: bool = False
    """Whether the store is one that is told each change by its event."""
    arrivals: Arrivals = msgspec.field(default_factory=Arrivals)
    clock: Clock = SystemClock()
    timer: Timer = steady_micros


class HasProjectionParts(Protocol):
    """An application: CQRSManager is one."""

    def projection_parts(self) -> ProjectionParts: ...


class RunnerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How projections are run."""

    batch_size: int = 500
    """Events in one transaction, at most; a BatchProjectionHandler has its own."""
    batch_bytes: int = 8 << 20
    """Bytes of payload in one page: after a larger one, fewer events are read at once."""
    batch_seconds: float = 1.0
    """Time to handle and commit one page: after a longer one, fewer events are read at once."""
    retries: int = 2
    """How often an event whose handler raised is tried again before it is parked."""
    retry_delay: float = 0.05
    """Seconds before the first retry; doubled for each further one."""
    again_after: float | None = None
    """Seconds after which a parked event is tried again by itself, doubled each time; None: when asked for."""
    parked_keys: int = 1_000
    """Keys parked at one place, at most: with so many, an event that would park another stops the projection there."""
    lease_seconds: float = 15.0
    """After so long without a sign of life, another process takes over."""
    pause: float = 0.1
    """Seconds before a store that failed is asked again; doubled up to `longest_pause`."""
    longest_pause: float = 10.0
    watch_seconds: float = 1.0
    """The longest time between two looks at what is paused, and which generations are served."""
    save_every: int = 1_000
    """The checkpoint is stored at once with effects; past events without any, after so many or `save_seconds`."""
    save_seconds: float = 0.25
    sleep: Sleep = asyncio.sleep
