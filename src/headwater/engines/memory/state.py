"""State: everything one memory store holds, and what its ports share."""

from __future__ import annotations

import asyncio
import uuid
import zlib
from collections import Counter, deque
from typing import Final

import msgspec

from headwater.domain.append import CommandRecord, UniqueKey
from headwater.domain.bonds import Bonds
from headwater.domain.event import StoredEvent
from headwater.engines.memory.rows import Rows
from headwater.engines.memory.tag_index import TagIndex
from headwater.errors import ConfigurationError, StoreClosed
from headwater.models.model import ReadModel
from headwater.ports.conditions import Pause, Trouble
from headwater.ports.engine import EngineOptions
from headwater.ports.generations import Generation
from headwater.ports.journal import Entry
from headwater.ports.leases import Lease
from headwater.ports.parking import ParkedEvent, ParkedPlace
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint
from headwater.ports.snapshots import Snapshot

__all__ = ["Filling", "Held", "Part", "State", "Stream"]

_MOST_PARTITIONS: Final = 1_024
_MOST_ENTRIES: Final = 10_000
"""Of the journal."""


class Stream(msgspec.Struct):
    """One stream: version v is `events[v - 1]`."""

    key: str
    """What decides the partition."""
    partition: int
    events: list[StoredEvent] = []


class Filling(msgspec.Struct):
    """One generation, and its rows while they are not the ones that are served."""

    generation: Generation
    models: tuple[type[ReadModel], ...]
    beside: Rows


class Held(msgspec.Struct):
    """The last lease of a name, an expired one too: it keeps the epoch."""

    lease: Lease
    since: int
    """When it was taken or backed off."""
    left_alone_until: int = 0


class State:
    """Plain containers. Whoever changes them does so between two awaits: each change is atomic by construction."""

    def __init__(self, partitions: int, options: EngineOptions) -> None:
        _check(partitions)
        self.limits = options.limits
        self.now = options.clock.micros
        self.is_open = False
        self.bonds = Bonds(options.store_id or str(uuid.uuid4()))
        self.log: list[list[StoredEvent]] = [[] for _ in range(partitions)]
        """Offset o of partition p is `log[p][o]`."""
        self.tags = [TagIndex() for _ in range(partitions)]
        """Of the events of each partition."""
        self.streams: dict[str, Stream] = {}
        self.categories: Counter[str] = Counter()
        self.event_ids: set[bytes] = set()
        self.size_bytes = 0
        self.keys: dict[UniqueKey, str] = {}
        """The holding stream of each claimed key."""
        self.commands: dict[str, CommandRecord] = {}
        """By id, the newest last."""

        self.rows = Rows()
        """What is served."""
        self.fillings: dict[str, dict[int, Filling]] = {}
        """By projection, then number."""
        self.numbers: Counter[str] = Counter()
        """The next generation's number of each projection."""
        self.checkpoints: dict[Place, Checkpoint] = {}
        self.parked: dict[ParkedPlace, ParkedEvent] = {}
        self.pauses: dict[str, Pause] = {}
        """By projection."""
        self.troubles: dict[Place, Trouble] = {}
        self.snapshots: dict[str, dict[str, Snapshot]] = {}
        """By stream, then kind."""
        self.leases: dict[str, Held] = {}
        self.journal: deque[Entry] = deque(maxlen=_MOST_ENTRIES)
        """The newest first."""
        self.commits = 0
        self.waiters: set[asyncio.Future[None]] = set()

    def events_of(self, stream: str) -> list[StoredEvent]:
        found = self.streams.get(stream)
        return [] if found is None else found.events

    def partition_of(self, key: str) -> int:
        return zlib.crc32(key.encode()) % len(self.log)

    def committed(self) -> None:
        """Count a commit and wake whoever waits for one."""
        self.commits += 1
        while self.waiters:
            waiter = self.waiters.pop()
            if not waiter.done():
                waiter.set_result(None)


def _check(partitions: int) -> None:
    if not 1 <= partitions <= _MOST_PARTITIONS:
        raise ConfigurationError(f"partitions={partitions}: a log has 1 to {_MOST_PARTITIONS}")


class Part:
    """A port of a memory store; it works while the store is open."""

    def __init__(self, state: State) -> None:
        self._store = state

    @property
    def _state(self) -> State:
        if not self._store.is_open:
            raise StoreClosed("this memory store is closed: await its open() first")
        return self._store
