"""Append locks: whose turn it is in a partition of the log.

A partition's lock is held from before the look at its streams to the end of the transaction, and PostgreSQL lets go of
it only once the commit is visible: so whoever has it next sees all that came before, and offsets are given in the order
of commits. The lock of a name stands for a stream that is not there: nobody knows in which partition it will be. It is
taken by who checks that the stream is missing, and by who may make it in the partition of another key than its name.

Everybody takes all that it needs at the beginning, partitions before names and each in ascending order: who waits
never has what those before it want.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from zlib import crc32

__all__ = ["AppendLocks", "signed"]


class AppendLocks:
    """The locks of one store; another store in the same database has others."""

    def __init__(self, schema: str, events: str) -> None:
        self._store = f"{schema}.{events}"
        self._class = signed(crc32(f"headwater log {self._store}".encode()))

    def begin(self, partitions: Iterable[int], names: Iterable[str] = ()) -> str:
        """The statements that begin a transaction and take its locks, each in a statement of its own."""
        keys = [f"{self._class}, {partition}" for partition in sorted(set(partitions))]
        keys += map(str, sorted(set(map(self._number, names))))
        return "; ".join(["BEGIN", *(f"SELECT pg_advisory_xact_lock({key})" for key in keys)])

    def _number(self, stream: str) -> int:
        digest = blake2b(f"{self._store} {stream}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)


def signed(number: int) -> int:
    """32 bits as PostgreSQL's integer."""
    return number - (1 << 32) if number >= 1 << 31 else number
