"""New ids: UUID version 7 as 16 bytes (RFC 9562 §5.7)."""

from __future__ import annotations

import os
import time

__all__ = ["uuid7"]

_entropy: list[bytes] = []
"""Random tails, drawn many at a time: one system call for each id would cost more than all the rest of it."""


def uuid7() -> bytes:
    """48 bits of milliseconds since 1970, then 74 random bits."""
    try:
        rest = bytearray(_entropy.pop())
    except IndexError:
        rest = bytearray(_draw())
    rest[0] = rest[0] & 0x0F | 0x70
    rest[2] = rest[2] & 0x3F | 0x80
    return (time.time_ns() // 1_000_000).to_bytes(6, "big") + rest


def _draw() -> bytes:
    drawn = os.urandom(10 * 256)
    _entropy.extend(drawn[start : start + 10] for start in range(10, len(drawn), 10))
    return drawn[:10]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_entropy.clear)  # a child must not draw what its parent will
