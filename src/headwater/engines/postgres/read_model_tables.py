"""Tables of read models: one real column for each field, so that any tool can read them."""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import msgspec

from headwater.engines.postgres import search_index
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.indexes import declared_indexes, kept_indexes, make, missing
from headwater.engines.postgres.natives import native_of, parameters
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.table import Table, quoted
from headwater.models.fields import Field, Kind

__all__ = ["add_columns", "create", "recreate"]

_UNITS: Final = 2**63


async def create(connection: Connection, sql: Statements, table: Table) -> None:
    """The table and its declared indexes, all empty."""
    columns = [each for field in table.fields.values() for each in _columns(table, field)]
    await connection.execute(f"CREATE TABLE {table.name} ({', '.join(columns)})")
    await make(connection, table, await missing(connection, sql, table, declared_indexes(table)))


async def recreate(connection: Connection, sql: Statements, table: Table) -> None:
    """The table anew, empty, with the indexes it had."""
    kept = await kept_indexes(connection, sql, table)
    await connection.execute(f"DROP TABLE IF EXISTS {table.name}")
    await create(connection, sql, table)
    await make(connection, table, await missing(connection, sql, table, kept))


async def add_columns(connection: Connection, table: Table, names: Sequence[str]) -> None:
    """New fields, each with its default in every row there is: no row is written for it. They have no index yet."""
    for name in names:
        field = table.fields[name]
        defaults = await _defaults(connection, table, field)
        for column, default in zip(_columns(table, field), defaults, strict=True):
            await connection.execute(f"ALTER TABLE {table.name} ADD COLUMN {column} DEFAULT {default}")


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
