"""New ids: UUID version 7 as 16 bytes (RFC 9562 §5.7)."""

from __future__ import annotations

import os
import time

__all__ = ["uuid7"]


def uuid7() -> bytes:
    """48 bits of milliseconds since 1970, then 74 random bits."""
    rest = bytearray(os.urandom(10))
    rest[0] = rest[0] & 0x0F | 0x70
    rest[2] = rest[2] & 0x3F | 0x80
    return (time.time_ns() // 1_000_000).to_bytes(6, "big") + rest
