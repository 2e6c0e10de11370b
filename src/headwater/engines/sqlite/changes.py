"""apply_changes: what `headwater.models.changes` means, as statements.

Merged changes touch a row once each, but for the few that cannot be joined, so their sequence among different rows
does not matter: those of one shape go to SQLite together, in one `executemany`.
"""

# apsw's annotations name collections.abc.Buffer, which is new in Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import cast

import apsw
from msgspec.structs import astuple

from headwater.engines.sql.columns import encoded
from headwater.engines.sqlite import change_sql, search_index
from headwater.engines.sqlite.change_sql import AfterWrite, Statement
from headwater.engines.sqlite.row_counts import count_changes
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.table import Table, or_unknown, table_of
from headwater.errors import InvalidMessage
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update, Upsert, merge
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel

__all__ = ["apply_changes"]

_Writes = dict[Statement, list[Sequence[object]]]

_RANGE = "64 bits for whole numbers and Decimals, finite for floats"
_OUT_OF_RANGE = frozenset({apsw.SQLITE_CONSTRAINT_DATATYPE, apsw.SQLITE_CONSTRAINT_CHECK})


def apply_changes(connection: apsw.Connection, sql: Statements, changes: Sequence[Change], beside: str = "") -> None:
    """Write changes inside the caller's transaction, which the caller rolls back if this raises.

    They are of the tables that queries read, or of those beside them whose names end so.

    Raises InvalidMessage for a value that does not fit its field, or a sum beyond it; UnknownName for a
    model that has no table.
    """
    writes: _Writes = {}
    tables: set[str] = set()
    touched: set[tuple[type[ReadModel], object]] = set()
    for change in merge(changes):
        place = change.model, change.key
        if place in touched:  # a second change of one row waits for the first
            _execute(connection, writes)
            writes, touched = {}, set()
        touched.add(place)
        tables.add(_add(writes, change, beside).stored)
    _execute(connection, writes)
    if not beside:
        count_changes(connection, sql, tables)


def _add(writes: _Writes, change: Change, beside: str) -> Table:
    """Put a change's values beside those of its shape; the table they are for."""
    table = table_of(change.model, beside)
    match change:
        case Insert(inserted):
            _like(writes, _insert(table)).append(astuple(inserted))
        case Accumulate(_, _, missing, add, high, low):
            row = astuple(missing)
            if table.searchable:
                _like(writes, _insert_missing(table)).append(row)
            values = (*row, *add.values(), *high.values(), *low.values())
            _like(writes, _accumulate(table, tuple(add), tuple(high), tuple(low))).append(values)
        case Update(_, key, fields):
            if fields:
                _like(writes, _update(table, tuple(fields))).append((*fields.values(), key))
        case Upsert(_, _, fields, missing):
            _like(writes, _upsert(table, tuple(fields))).append((*astuple(missing), *fields.values()))
        case Delete(_, key):
            _like(writes, _delete(table)).append((key,))
    return table


def _like(writes: _Writes, statement: Statement) -> list[Sequence[object]]:
    return writes.setdefault(statement, [])


def _execute(connection: apsw.Connection, writes: _Writes) -> None:
    for statement, values in writes.items():
        bindings = encoded(statement.parameters, values)
        try:
            returned = connection.executemany(statement.sql, bindings)
            if statement.after is not AfterWrite.NOTHING:
                _follow(connection, statement, cast("list[tuple[Scalar, ...]]", returned.fetchall()))
        except apsw.SQLError as error:
            raise or_unknown(connection, statement.table, error) from error
        except apsw.ConstraintError as error:
            if getattr(error, "extendedresult", 0) not in _OUT_OF_RANGE:
                raise
            name = statement.table.schema.model.__name__
            raise InvalidMessage(f"a sum in {name} would leave the range of its field: {_RANGE}") from error


def _follow(connection: apsw.Connection, statement: Statement, returned: Sequence[Sequence[Scalar]]) -> None:
    """Keep the search index in step with the rows a statement returned."""
    if statement.after is AfterWrite.INDEX:
        search_index.index(connection, statement.table, returned)
    else:
        search_index.forget(connection, statement.table, returned)


# One statement of a shape for the life of the process: SQLite's own cache then knows its text.
_insert = lru_cache(maxsize=4096)(change_sql.insert)
_insert_missing = lru_cache(maxsize=4096)(change_sql.insert_missing)
_accumulate = lru_cache(maxsize=4096)(change_sql.accumulate)
_update = lru_cache(maxsize=4096)(change_sql.update)
_upsert = lru_cache(maxsize=4096)(change_sql.upsert)
_delete = lru_cache(maxsize=4096)(change_sql.delete)
