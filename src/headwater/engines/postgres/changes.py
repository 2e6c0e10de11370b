"""apply_changes: what `headwater.models.changes` means, as statements.

Merged changes touch a row once each, but for the few that cannot be joined. Those of one shape go together, sorted
by key: whoever writes the same rows locks them in the same sequence, and nobody waits in a circle.
"""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Final, TypeAlias

import asyncpg
from msgspec.structs import astuple, replace

from headwater.engines.postgres import change_sql
from headwater.engines.postgres.change_sql import Statement
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.errors import sqlstate
from headwater.engines.postgres.natives import native_of, parameters
from headwater.engines.postgres.row_counts import count_changes
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.table import Table, or_unknown, table_of
from headwater.errors import InvalidMessage
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update, Upsert, accumulated, merge
from headwater.models.model import ReadModel

__all__ = ["apply_changes"]

_Row: TypeAlias = Sequence[object]
_Writes: TypeAlias = "dict[Statement, list[_Row]]"

_AT_ONCE: Final = 1_000
"""Rows of one statement."""
_RANGE: Final = "64 bits for whole numbers and Decimals, finite for floats"
_OUT_OF_RANGE: Final = frozenset({"22003", "23514"})
_TOO_LONG: Final = "54000"


async def apply_changes(
    connection: Connection, sql: Statements, changes: Sequence[Change], beside: str = "", partition: int = -1
) -> None:
    """Write changes inside the caller's transaction, which the caller rolls back if this raises.

    They are of the tables that queries read, or of those beside them whose names end so; `partition` is the one of
    the log that they come from, -1 for none.

    Raises InvalidMessage for a value that does not fit its field, or a sum beyond it; UnknownName for a
    model that has no table.
    """
    tables = _by_table(sql.schema, merge(changes), beside)
    for table in sorted(tables, key=lambda each: each.stored):
        try:
            await _write(connection, table, tables[table])
        except asyncpg.PostgresError as error:
            raise _explained(table, error) from error
    if not beside:
        await count_changes(connection, sql, [table.stored for table in tables], partition)


def _by_table(namespace: str, changes: Sequence[Change], beside: str) -> dict[Table, list[_Writes]]:
    """What is to be written to each table: the first change of each row, then the second, and so on."""
    tables: dict[Table, list[_Writes]] = {}
    turns: dict[tuple[type[ReadModel], object], int] = {}
    for change in changes:
        table, place = table_of(namespace, change.model, beside), (change.model, change.key)
        turn = turns[place] = turns.get(place, -1) + 1
        writes = tables.setdefault(table, [])
        if turn == len(writes):
            writes.append({})
        _add(writes[turn], table, change)
    return tables


def _add(writes: _Writes, table: Table, change: Change) -> None:
    """Put a change's values beside those of its shape."""
    match change:
        case Insert(inserted):
            _like(writes, _insert(table)).append(astuple(inserted))
        case Accumulate():
            _add_accumulation(writes, table, change)
        case Update(_, key, fields):
            if fields:
                _like(writes, _update(table, tuple(fields))).append((key, *fields.values()))
        case Upsert(_, _, fields, missing):
            if all(getattr(missing, name) is value for name, value in fields.items()):
                _like(writes, _upsert(table, tuple(fields))).append(astuple(missing))
            else:
                values = (*astuple(missing), *fields.values())
                _like(writes, _upsert_singly(table, tuple(fields))).append(values)
        case Delete(_, key):
            _like(writes, _delete(table)).append((key,))


def _add_accumulation(writes: _Writes, table: Table, change: Accumulate) -> None:
    shape = tuple(change.add), tuple(change.max), tuple(change.min)
    values = {**change.add, **change.max, **change.min}
    if _starts_from_nothing(change):
        _like(writes, _accumulate(table, *shape)).append(astuple(replace(change.missing, **values)))
    else:
        first = astuple(accumulated(change.missing, change))
        _like(writes, _accumulate_singly(table, *shape)).append((*first, *values.values()))


def _starts_from_nothing(change: Accumulate) -> bool:
    """True where the first row holds what is added and the bounds, and no more."""
    missing = change.missing
    return not any(getattr(missing, name) for name in change.add) and all(
        getattr(missing, name) is None for name in chain(change.max, change.min)
    )


def _like(writes: _Writes, statement: Statement) -> list[_Row]:
    return writes.setdefault(statement, [])


async def _write(connection: Connection, table: Table, turns: Sequence[_Writes]) -> None:
    """Every statement of a table, its rows sorted by key; where that is not enough, they are locked by key first."""
    shapes = [(statement, rows) for writes in turns for statement, rows in writes.items()]
    if len(shapes) > 1 or any(statement.locks_first and len(rows) > 1 for statement, rows in shapes):
        await _lock(connection, table, [row[statement.key_place] for statement, rows in shapes for row in rows])
    for statement, rows in shapes:
        rows.sort(key=itemgetter(statement.key_place))
        for start in range(0, len(rows), _AT_ONCE):
            columns = list(zip(*rows[start : start + _AT_ONCE], strict=True))
            sent = [parameter.values(columns) for parameter in statement.parameters]
            if statement.is_single:
                await connection.executemany(statement.sql, zip(*sent, strict=True))
            else:
                await connection.execute(statement.sql, *sent)


async def _lock(connection: Connection, table: Table, keys: Sequence[object]) -> None:
    """Take the locks of the rows that are there, by key."""
    native = native_of(table.key_field)
    wanted = f"SELECT {native.received.format('key')} FROM unnest($1::{native.sent}[]) AS key"
    rows = f"SELECT FROM {table.name} WHERE {table.key} IN ({wanted}) ORDER BY {table.key} FOR UPDATE"
    await connection.execute(f"SELECT count(*) FROM ({rows}) AS locked", parameters(table.key_field, keys))


def _explained(table: Table, error: asyncpg.PostgresError) -> Exception:
    """The error as ours where it is the values' or the table's, otherwise unchanged."""
    name = table.schema.model.__name__
    if sqlstate(error) in _OUT_OF_RANGE:
        return InvalidMessage(f"a sum in {name} would leave the range of its field: {_RANGE}")
    if sqlstate(error) == _TOO_LONG:
        return InvalidMessage(
            f"a value in {name} is too long for an index, which takes 2,700 bytes: index another field"
        )
    return or_unknown(table, error)


# One statement of a shape for the life of the process: each connection keeps it prepared.
_insert = lru_cache(maxsize=4096)(change_sql.insert)
_accumulate = lru_cache(maxsize=4096)(change_sql.accumulate)
_accumulate_singly = lru_cache(maxsize=4096)(change_sql.accumulate_singly)
_update = lru_cache(maxsize=4096)(change_sql.update)
_upsert = lru_cache(maxsize=4096)(change_sql.upsert)
_upsert_singly = lru_cache(maxsize=4096)(change_sql.upsert_singly)
_delete = lru_cache(maxsize=4096)(change_sql.delete)
