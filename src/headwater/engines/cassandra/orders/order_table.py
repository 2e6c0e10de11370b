"""Order table: the entries that lead to the rows of one table in one order, and the statements for them.

An entry is where one sub-row stands by what it says alone. Entries are hints: what they lead to is read and put where
it belongs. Those of one key lie in one shard, which is a partition of the table.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from headwater.engines.cassandra.orders.order_rank import rank_of
from headwater.engines.cassandra.rows.cells import type_of
from headwater.engines.cassandra.rows.table import Table, physical
from headwater.errors import InvalidMessage
from headwater.models.criteria import Order
from headwater.models.fields import Scalar
from headwater.models.ordering import bind_orders

__all__ = ["SHARDS", "Entry", "OrderTable", "order_table", "physical_order", "shard_of"]

SHARDS: Final = 16
"""For good, as entries lie by it: 16 million rows make partitions of some 100 MB."""
_LONGEST_RANK: Final = 60_000
"""Bytes: Cassandra takes a little more."""
_DIGEST: Final = 4


class Entry(NamedTuple):
    """As it is read."""

    rank: bytes
    part: int
    replayed: int
    key: Scalar
    written_at: int
    """Its timestamp."""


class OrderTable:
    def __init__(self, keyspace: str, table: Table, order: tuple[Order, ...]) -> None:
        """`keyspace` as it stands in a statement."""
        schema = table.schema
        self.table = table
        self.order = order
        self.bound = bind_orders(order, schema.fields, schema.key)
        """With the key behind it."""
        self.fields = frozenset([each.field.name for each in self.bound])
        self._at = [schema.names.index(each.field.name) for each in self.bound]
        self.name = f'{keyspace}."{physical_order(order, schema.table, table.number)}"'
        """As it stands in a statement."""
        place = "shard = ? AND rank = ? AND part = ? AND replayed = ?"
        self.make = (
            f"CREATE TABLE IF NOT EXISTS {self.name} (shard int, rank blob, part int, replayed bigint, "
            f"key {type_of(table.key_field)}, PRIMARY KEY ((shard), rank, part, replayed)) "
            "WITH gc_grace_seconds = 3600"
        )
        """What is deleted may come back after an hour: it leads nowhere then, as what is left over does."""
        values = "(shard, rank, part, replayed, key) VALUES (?, ?, ?, ?, ?)"
        self.write = f"INSERT INTO {self.name} {values} USING TIMESTAMP ?"
        self.remove = f"DELETE FROM {self.name} USING TIMESTAMP ? WHERE {place}"
        read = f"SELECT rank, part, replayed, key, WRITETIME(key) FROM {self.name}"
        self.read = f"{read} WHERE shard = ? AND rank >= ? AND rank < ? LIMIT ?"
        self.find = f"{read} WHERE {place}"
        self.read_all = read

    def rank(self, scalars: Sequence[Scalar]) -> bytes:
        """Of a row of the table; raises InvalidMessage where it is too long."""
        rank = rank_of(self.bound, [scalars[at] for at in self._at])
        if len(rank) > _LONGEST_RANK:
            raise InvalidMessage(
                f"the key and {', '.join(each.field for each in self.order)} of {self.table.schema.model.__name__} "
                f"are too long for a declared order, which takes {_LONGEST_RANK:,} bytes: order by another field"
            )
        return rank


def physical_order(order: Sequence[Order], name: str, number: int) -> str:
    """The name of the table of an order, given those of the read model's table."""
    text = msgspec.json.encode([(each.field, each.descending) for each in order])
    return physical(f"ro{blake2b(text, digest_size=_DIGEST).hexdigest()}", name, number)


def shard_of(key: Scalar) -> int:
    return zlib.crc32(str(key).encode()) % SHARDS


@lru_cache(maxsize=4096)
def order_table(keyspace: str, table: Table, order: tuple[Order, ...]) -> OrderTable:
    return OrderTable(keyspace, table, order)
