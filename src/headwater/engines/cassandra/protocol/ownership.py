"""Ownership: what the owner of a partition knows since its takeover."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from headwater.engines.cassandra.protocol.rows import ChunkKey, Count, Logged

__all__ = ["Known", "LogHead", "Ownership"]


class LogHead(msgspec.Struct, frozen=True, gc=False):
    """Where the log of a partition ends."""

    offset: int
    """h: of the last row; -1 for none."""
    log_time: int
    """Of that row, in microseconds since 1970; -1 for none."""


class Known(msgspec.Struct, frozen=True, gc=False):
    """What an owner has logged of a chunk, and when."""

    version: int
    """The highest one."""
    at: float
    """By `Ownership.clock`, after that was logged."""


class Ownership(msgspec.Struct):
    """For one core at a time, and for none once one of them was given up."""

    part: int
    head: LogHead
    clock: Callable[[], float]
    """This process's monotonic clock, in seconds."""
    counts: dict[str, Count] = {}
    """How many streams of each category begin in what is settled, or is being settled."""
    since: float = 0.0
    """From when on it knows all that it has logged: from the takeover, or from what it had to forget."""
    memory: dict[ChunkKey, int] = {}
    """What this owner has logged and not settled yet: the highest version of each chunk."""
    known: dict[ChunkKey, Known] = {}
    """What this owner has logged of each chunk, settled or not: of those that it logged last, these last."""
    owed: list[Logged] = []
    """The rows that are not settled yet."""
    waiting_since: dict[bytes, float] = {}
    """When each pending attempt was first seen, by this process's monotonic clock, in seconds."""
    pending_slots: frozenset[int] = frozenset()
    """The slots of intents that the last round left: to be scanned in the next, open or not."""
    last_stream: str = ""
    """Whose events ended the last batch: the next begins with the streams behind it."""
