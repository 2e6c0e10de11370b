"""Tables of read models: one real column for each field, so that any tool can read them.

An index is known by its columns, not by its name, which PostgreSQL chooses: it is the index of an order if it has its
fields, with their directions, and the key that breaks ties. So it is found again whatever its table was called.
"""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import msgspec

from headwater.engines.postgres import search_index
from headwater.engines.postgres.columns import direction
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.natives import is_plain_list, native_of, parameters
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.table import Table, quoted
from headwater.models.criteria import Order
from headwater.models.fields import Field, Kind

__all__ = ["add_columns", "create", "declared_orders", "index", "kept_orders", "recreate"]

_Order = tuple[Order, ...]

_UNITS: Final = 2**63


async def create(connection: Connection, sql: Statements, table: Table) -> None:
    """The table and its declared indexes, all empty."""
    columns = [each for field in table.fields.values() for each in _columns(table, field)]
    await connection.execute(f"CREATE TABLE {table.name} ({', '.join(columns)})")
    for field in table.fields.values():
        await _index_field(connection, table, field)
    for order in declared_orders(table):
        await index(connection, sql, table, order)


async def recreate(connection: Connection, sql: Statements, table: Table) -> None:
    """The table anew, empty, with the indexes it had."""
    orders = await kept_orders(connection, sql, table)
    await connection.execute(f"DROP TABLE IF EXISTS {table.name}")
    await create(connection, sql, table)
    for order in orders:
        await index(connection, sql, table, order)


async def add_columns(connection: Connection, table: Table, names: Sequence[str]) -> None:
    """New fields, each with its default in every row there is: no row is written for it."""
    for name in names:
        field = table.fields[name]
        defaults = await _defaults(connection, table, field)
        for column, default in zip(_columns(table, field), defaults, strict=True):
            await connection.execute(f"ALTER TABLE {table.name} ADD COLUMN {column} DEFAULT {default}")
        await _index_field(connection, table, field)


def declared_orders(table: Table) -> list[_Order]:
    indexed = [(Order(field.name),) for field in table.fields.values() if field.indexed and field.kind is not Kind.JSON]
    return [*indexed, *table.schema.orders]


async def kept_orders(connection: Connection, sql: Statements, table: Table) -> list[_Order]:
    """The orders of the indexes that are there, as far as the class still has their fields."""
    rows = await connection.fetch(sql["list_indexes"], table.name)
    orders = [
        tuple([Order(name, down) for name, down in zip(names, descending, strict=True)])
        for names, descending in cast("list[tuple[list[str], list[bool]]]", rows)
    ]
    return [order for order in orders if all(part.field in table.fields for part in order)]


async def index(connection: Connection, sql: Statements, table: Table, order: Sequence[Order]) -> None:
    """The index that gives rows in this order, ties by the key; idempotent."""
    whole = tuple(order)
    if all(part.field != table.schema.key for part in order):
        whole += (Order(table.schema.key),)
    if whole in await kept_orders(connection, sql, table):
        return
    terms = [quoted(each.field) + direction(each.descending, table.fields[each.field].optional) for each in whole]
    await connection.execute(f"CREATE INDEX ON {table.name} ({', '.join(terms)})")


async def _index_field(connection: Connection, table: Table, field: Field) -> None:
    """What no order says: an index of words, or of the items of a list."""
    if field.searchable:
        await connection.execute(search_index.index(table, field.name))
    if field.indexed and is_plain_list(field):
        await connection.execute(f"CREATE INDEX ON {table.name} USING gin ({quoted(field.name)} jsonb_path_ops)")


def _columns(table: Table, field: Field) -> list[str]:
    """The column of a field, and that of its words."""
    name = quoted(field.name)
    parts = [name, native_of(field).column]
    if not field.optional:
        parts.append("NOT NULL")
    if field.name == table.schema.key:
        parts.append("PRIMARY KEY")
    if field.kind is Kind.DECIMAL:  # its smallest units fit 64 bits, as everywhere
        units = f"{name} * {10**field.scale}"
        parts.append(f"CHECK ({units} >= -{_UNITS} AND {units} < {_UNITS})")
    words = [f"{search_index.column_of(field.name)} tsvector"] if field.searchable else []
    return [" ".join(parts), *words]


async def _defaults(connection: Connection, table: Table, field: Field) -> list[str]:
    """What the rows there are hold in the columns of a new field, as literals."""
    (value,), native = parameters(field, [_default(table, field.name)]), native_of(field)
    defaults = [await _literal(connection, native.received.format(f"$1::{native.sent}"), value)]
    if field.searchable:
        words = search_index.words_of(cast("str | None", value))
        defaults.append(await _literal(connection, search_index.RECEIVED.format("$1::text"), words))
    return defaults


async def _literal(connection: Connection, expression: str, value: object) -> str:
    """A value as it may stand in a statement that takes no parameters."""
    return cast("str", await connection.fetchval(f"SELECT quote_nullable(({expression})::text)", value))


def _default(table: Table, name: str) -> object:
    (declared,) = [field for field in msgspec.structs.fields(table.schema.model) if field.name == name]
    factory = declared.default_factory
    return declared.default if factory is msgspec.NODEFAULT else factory()
