"""Checksums: what lets a read prove that it got what was written.

Each event has one number of two halves. The upper one seals this event alone: data, context and every other column.
The lower one is the CRC-32 of the stream's data from its first event to this one, so that a whole stream, or its tail,
is proved by one pass over the concatenated data and a look at its last event.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final
from zlib import crc32

__all__ = ["SEPARATOR", "chain_of", "checksum", "link", "seal", "snapshot_checksum"]

SEPARATOR: Final = b"\n"
"""Between the data of two events, and after the last: no event's data holds one."""
_CHAIN: Final = 0xFFFF_FFFF
_SEAL: Final = 0x7FFF_FFFF
"""31 bits, so that both halves fit SQLite's signed integer."""


def seal(
    version: int,
    timestamp: int,
    event_id: bytes,
    type: str,
    schema: int,
    topic: str | None,
    context: bytes,
    data: bytes,
) -> int:
    """The upper half, of one event."""
    return crc32(_pack(version, timestamp, event_id) + context + data, _kind(type, schema, topic)) & _SEAL


def link(data: bytes, chain: int) -> int:
    """The lower half after one more event, or after several with the separator between them."""
    return crc32(SEPARATOR, crc32(data, chain))


def checksum(seal: int, chain: int) -> int:
    """Both halves."""
    return seal << 32 | chain


def chain_of(checksum: int) -> int:
    """The lower half: of all the stream's data up to this event."""
    return checksum & _CHAIN


def snapshot_checksum(version: int, state: bytes) -> int:
    """Of a snapshot: proves state and version together."""
    return crc32(state, crc32(str(version).encode()))


_pack = struct.Struct("<qq16s").pack


@lru_cache(maxsize=4096)
def _kind(type: str, schema: int, topic: str | None) -> int:
    """What many events have in common."""
    return crc32(f"{type} {schema} {topic}".encode())
