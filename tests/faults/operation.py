"""Operation: an append that follows from its id, so that it can be repeated and recognised in the store."""

from __future__ import annotations

import hashlib
import random

import msgspec

from headwater.domain.append import Append, CommandRecord, UniqueKey, Write
from headwater.domain.event import NewEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import ExpectedVersion
from headwater.handling.ids import uuid7

__all__ = ["SLOTS", "Mark", "Operation", "operation", "slot"]

SLOTS = 24
"""Unique keys that streams fight for."""


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The data of an event: which append it is of, and which part."""

    id: str
    part: int
    """From 1."""
    of: int
    claims: str | None = None
    """On the first part: the slot the append claims."""
    releases: str | None = None
    padding: str = ""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What an id stands for."""

    id: str
    stream: StreamId
    events: int
    claims: str | None
    releases: str | None
    padding: int

    def append(self, expected: ExpectedVersion) -> Append:
        """The append, with the command's record."""
        write = Write(
            stream=self.stream,
            expected=expected,
            events=tuple([self._event(part) for part in range(1, self.events + 1)]),
            claims=() if self.claims is None else (slot(self.claims),),
            releases=() if self.releases is None else (slot(self.releases),),
        )
        record = CommandRecord(id=self.id, name="Mark", fingerprint=_digest(self.id), result=b"%d" % self.events)
        return Append(writes=(write,), command=record)

    def _event(self, part: int) -> NewEvent:
        mark = Mark(
            id=self.id,
            part=part,
            of=self.events,
            claims=self.claims if part == 1 else None,
            releases=self.releases if part == 1 else None,
            padding="." * self.padding,
        )
        return NewEvent(uuid7(), "Mark", 1, msgspec.json.encode(mark))


def operation(id: str, streams: int, padding: int = 0) -> Operation:
    """The same for the same arguments, in every process."""
    chance = random.Random(_digest(id))
    return Operation(
        id=id,
        stream=StreamId("hot", f"s{chance.randrange(streams)}"),
        events=chance.choice((1, 1, 1, 2, 3)),
        claims=str(chance.randrange(SLOTS)) if chance.random() < 0.1 else None,
        releases=str(chance.randrange(SLOTS)) if chance.random() < 0.3 else None,
        padding=padding,
    )


def slot(name: str) -> UniqueKey:
    return UniqueKey("slot", name)


def _digest(id: str) -> bytes:
    return hashlib.blake2b(id.encode(), digest_size=16).digest()
