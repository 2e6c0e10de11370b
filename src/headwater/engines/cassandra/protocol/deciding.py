"""Deciding: which intents have nothing more to say."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from headwater.engines.cassandra.protocol.rows import EventRow, Intent, Statics

__all__ = ["ChunkSeen", "Verdict", "decide", "verdict_of_row"]


class Verdict(Enum):
    """What is to be done about an intent."""

    DONE = "delete it"
    PENDING = "wait, and fence it when it has been waited for long enough"
    HIDDEN = "its row is decided and was not seen: complete it by a serial read, and decide in the next round"
    FIRST_ROW = "look at its first row, which is logged"
    LATER = "nothing to do in this round"


class ChunkSeen(msgspec.Struct):
    """What a round has seen of a chunk."""

    statics: Statics
    """Read first."""
    logged: int = 0
    """L: `logged` as read or as this owner remembers, this round's batch included."""
    rows: Mapping[int, EventRow] | None = None
    """Read then, by version; None: not yet."""
    last_read: int | None = None
    """The version up to which rows were read; None: all."""

    def has_looked_at(self, version: int) -> bool:
        return self.rows is not None and (self.last_read is None or version <= self.last_read)


def decide(intent: Intent, seen: ChunkSeen) -> Verdict:
    """R5. v is what the append expects, k how many events it has."""
    v, last = intent.expected, intent.last_version
    if seen.logged >= last:  # not v + 1: a batch may end amid an append
        return Verdict.DONE
    if seen.logged >= v + 1:
        return Verdict.FIRST_ROW
    if seen.rows is None or not seen.has_looked_at(v + 1):
        return Verdict.LATER
    row = seen.rows.get(v + 1)
    if row is not None:
        return verdict_of_row(intent, row)
    head, fence = seen.statics.head or 0, seen.statics.fence or 0
    if head > v:
        return Verdict.HIDDEN
    if fence > (intent.fence or 0):  # of the same read as a head that has not passed v
        return Verdict.DONE
    return Verdict.PENDING


def verdict_of_row(intent: Intent, row: EventRow | None) -> Verdict:
    """The first version of an append is another's, or its own, which is waited for until all of it is logged."""
    return Verdict.DONE if row is not None and row.attempt != intent.attempt else Verdict.LATER
