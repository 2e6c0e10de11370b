"""Indexes of read models, each known by its columns and not by its name, which PostgreSQL chooses.

So it is found again whatever its table was called. The index of an order has its fields, with their directions, and the
key that breaks ties; that of a searchable field has its words, that of a list its items.
"""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import msgspec

from headwater.engines.postgres import search_index
from headwater.engines.postgres.columns import direction
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.natives import is_plain_list
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.table import Table, quoted
from headwater.models.criteria import Order
from headwater.models.fields import Kind

__all__ = ["Index", "declared_indexes", "index_of", "kept_indexes", "make", "missing", "unfinished"]


class Index(msgspec.Struct, frozen=True):
    """One of a table: B-tree where a row comes from an order, else GIN."""

    columns: tuple[str, ...]
    """As the database has them, without quotation marks."""
    descending: tuple[bool, ...]
    is_inverted: bool = False

    def statement(self, table: Table, how: str = "") -> str:
        """What makes it; with `CONCURRENTLY`, beside whoever writes."""
        return f"CREATE INDEX {how} ON {table.name} {self._terms(table)}"

    def _terms(self, table: Table) -> str:
        if self.is_inverted:
            (column,) = self.columns
            items = " jsonb_path_ops" if column in table.fields else ""
            return f"USING gin ({quoted(column)}{items})"
        terms = [
            quoted(name) + direction(down, table.fields[name].optional)
            for name, down in zip(self.columns, self.descending, strict=True)
        ]
        return f"({', '.join(terms)})"


def index_of(table: Table, order: Sequence[Order]) -> Index:
    """That gives rows in this order, ties by the key."""
    whole = tuple(order)
    if all(part.field != table.schema.key for part in order):
        whole += (Order(table.schema.key),)
    return Index(tuple([part.field for part in whole]), tuple([part.descending for part in whole]))


def declared_indexes(table: Table) -> list[Index]:
    """Those that the class asks for."""
    fields = table.fields.values()
    single = [(Order(field.name),) for field in fields if field.indexed and field.kind is not Kind.JSON]
    lists = [field.name for field in fields if field.indexed and is_plain_list(field)]
    words = [search_index.name_of(field.name) for field in fields if field.searchable]
    inverted = [Index((column,), (False,), is_inverted=True) for column in (*words, *lists)]
    return [*[index_of(table, order) for order in (*single, *table.schema.orders)], *inverted]


async def kept_indexes(connection: Connection, sql: Statements, table: Table) -> list[Index]:
    """Those of orders that are there, as far as the class still has their fields."""
    found = [index for index, _, is_valid in await _known(connection, sql, table) if is_valid and not index.is_inverted]
    return [index for index in found if all(column in table.fields for column in index.columns)]


async def missing(connection: Connection, sql: Statements, table: Table, wanted: Iterable[Index]) -> list[Index]:
    """Those among them that are not there, or of no use yet, each once."""
    there = {index for index, _, is_valid in await _known(connection, sql, table) if is_valid}
    return [index for index in dict.fromkeys(wanted) if index not in there]


async def unfinished(connection: Connection, sql: Statements, table: Table, wanted: Index) -> list[str]:
    """What is left of attempts to make this one that were broken off, as it stands in a statement."""
    return [name for index, name, is_valid in await _known(connection, sql, table) if index == wanted and not is_valid]


async def make(connection: Connection, table: Table, indexes: Iterable[Index]) -> None:
    """Make them at once: nobody writes to the table meanwhile."""
    for index in indexes:
        await connection.execute(index.statement(table))


async def _known(connection: Connection, sql: Statements, table: Table) -> list[tuple[Index, str, bool]]:
    rows = await connection.fetch(sql["list_indexes"], table.name)
    return [
        (Index(tuple(columns), tuple(descending), is_inverted), name, is_valid)
        for columns, descending, is_inverted, name, is_valid in cast(
            "list[tuple[list[str], list[bool], bool, str, bool]]", rows
        )
    ]
