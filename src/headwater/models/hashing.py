"""Hashing: rows and tables as short digests, the same on every engine and in every process.

Made of scalars, so that what is equal to a user is equal here: a Decimal by its smallest unit, a datetime by its
moment, JSON with its keys in order. The name of the table is left out: two fillings of one read model can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import msgspec

from headwater.models.model import ReadModel, schema_of

__all__ = ["TableHash", "row_hash", "table_hash"]

_BYTES: Final = 16
_MODULUS: Final = 1 << (8 * _BYTES)


def row_hash(row: ReadModel) -> bytes:
    """16 bytes of the row's field names and scalars; raises InvalidMessage for a value that does not fit."""
    schema = schema_of(type(row))
    return blake2b(msgspec.msgpack.encode((schema.names, schema.to_scalars(row))), digest_size=_BYTES).digest()


class TableHash(msgspec.Struct):
    """The hash of many rows, whatever their order: how many they are, and the sum of their hashes.

    Made against accidents, not against an adversary. Rows can be added as they come, and parts joined with `+`.
    """

    rows: int = 0
    total: int = 0

    def add(self, row: ReadModel) -> None:
        """Count one more row."""
        self.rows += 1
        self.total = (self.total + int.from_bytes(row_hash(row))) % _MODULUS

    def __add__(self, other: TableHash) -> TableHash:
        return TableHash(self.rows + other.rows, (self.total + other.total) % _MODULUS)

    def __str__(self) -> str:
        return f"{self.rows}:{self.total:0{2 * _BYTES}x}"


def table_hash(rows: Iterable[ReadModel]) -> TableHash:
    """The hash of rows of one read model, in any order."""
    found = TableHash()
    for row in rows:
        found.add(row)
    return found
