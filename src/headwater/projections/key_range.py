"""KeyRange: which keys of a projection a place handles."""

from __future__ import annotations

import zlib

import msgspec

__all__ = ["KeyRange"]


class KeyRange(msgspec.Struct, frozen=True):
    """One of `count` ranges, by CRC-32 of the key: the same in every process and release."""

    number: int
    count: int

    @property
    def is_whole(self) -> bool:
        return self.count == 1

    def holds(self, key: str) -> bool:
        """True for a key of this range."""
        return self.count == 1 or zlib.crc32(key.encode("utf-8", "surrogatepass")) % self.count == self.number
