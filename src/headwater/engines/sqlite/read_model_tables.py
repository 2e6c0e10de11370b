"""Tables of read models: STRICT, one real column for each field, so that any tool can read them.

Integers, booleans, Decimals (whole units of their scale) and datetimes (microseconds since 1970, UTC) are INTEGER;
text, UUIDs, dates and JSON are TEXT. An index is named after its order, `table.name,-created_at`, and keeps its name
when its table is renamed.
"""

# apsw's annotations name collections.abc.Buffer, which is new in Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Final, cast

import apsw
import msgspec

from headwater.engines.sqlite import search_index
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.table import Table, quoted
from headwater.models.criteria import Order
from headwater.models.fields import Field, Kind, Scalar
from headwater.models.ordering import parse_order

__all__ = ["add_columns", "create", "declared_orders", "index", "kept_orders", "recreate"]

_TYPES: Final = {
    Kind.TEXT: "TEXT",
    Kind.INTEGER: "INTEGER",
    Kind.REAL: "REAL",
    Kind.BOOLEAN: "INTEGER",
    Kind.DECIMAL: "INTEGER",
    Kind.DATETIME: "INTEGER",
    Kind.DATE: "TEXT",
    Kind.UUID: "TEXT",
    Kind.BYTES: "BLOB",
    Kind.JSON: "TEXT",
}
_LARGEST: Final = "1.7976931348623157e308"


def create(connection: apsw.Connection, sql: Statements, table: Table) -> None:
    """The table, its declared indexes and its search index, all empty."""
    columns = [_column(table, field) for field in table.fields.values()]
    if table.row_id != table.key:
        columns.insert(0, f"{table.row_id} INTEGER PRIMARY KEY")
    connection.execute(f"CREATE TABLE {table.name}({', '.join(columns)}) STRICT")
    if table.searchable:
        search_index.create(connection, table)
    for order in declared_orders(table):
        index(connection, sql, table, order)


def recreate(connection: apsw.Connection, sql: Statements, table: Table, *, had_search: bool) -> None:
    """The table anew, empty, with the indexes it had."""
    orders = kept_orders(connection, sql, table)
    if had_search:  # else something of its name is somebody else's
        connection.execute(f"DROP TABLE IF EXISTS {search_index.name_of(table)}")
    connection.execute(f"DROP TABLE IF EXISTS {table.name}")
    create(connection, sql, table)
    for order in orders:
        index(connection, sql, table, order)


def add_columns(connection: apsw.Connection, sql: Statements, table: Table, names: Sequence[str]) -> None:
    """New fields, each with its default in every row there is."""
    if set(names) & set(table.searchable):
        _copy(connection, sql, table, names)
        return
    for name in names:
        default = apsw.format_sql_value(_default(table, name))
        column = _column(table, table.fields[name])
        connection.execute(f"ALTER TABLE {table.name} ADD COLUMN {column} DEFAULT {default}")


def declared_orders(table: Table) -> list[tuple[Order, ...]]:
    indexed = [(Order(field.name),) for field in table.fields.values() if field.indexed]
    return [*indexed, *table.schema.orders]


def kept_orders(connection: apsw.Connection, sql: Statements, table: Table) -> list[tuple[Order, ...]]:
    """The orders of the indexes that are there, as far as the class still has their fields."""
    orders = [parse_order(name.split(",")) for name in _indexes(connection, sql, table)]
    return [order for order in orders if all(part.field in table.fields for part in order)]


def _indexes(connection: apsw.Connection, sql: Statements, table: Table) -> list[str]:
    """What the table's indexes are for. What stands before the point is the name the table had when they were made."""
    rows = cast("list[tuple[str]]", connection.execute(sql["list_indexes"], (table.stored,)).fetchall())
    return [name.partition(".")[2] for (name,) in rows]


def index(connection: apsw.Connection, sql: Statements, table: Table, order: Sequence[Order]) -> None:
    """The index that gives rows in this order, ties by the key; idempotent."""
    name = ",".join(("-" if part.descending else "") + part.field for part in order)
    if name in _indexes(connection, sql, table):
        return
    terms = [quoted(part.field) + (" DESC" if part.descending else "") for part in order]
    if all(part.field != table.schema.key for part in order):
        terms.append(table.key)
    target = quoted(_free_name(connection, sql, table, name))
    connection.execute(f"CREATE INDEX {target} ON {table.name}({', '.join(terms)})")


def _free_name(connection: apsw.Connection, sql: Statements, table: Table, name: str) -> str:
    """A table that had this one's name may have taken its indexes along, under the names they were made by."""
    names = (f"{table.stored}{'+' * tries}.{name}" for tries in count())
    return next(each for each in names if not connection.execute(sql["find_index"], (each,)).get)


def _column(table: Table, field: Field) -> str:
    parts = [quoted(field.name), _TYPES[field.kind]]
    if not field.optional:
        parts.append("NOT NULL")
    if field.name == table.schema.key:
        parts.append("PRIMARY KEY" if table.row_id == table.key else "UNIQUE")
    if field.kind is Kind.REAL:
        parts.append(f"CHECK (abs({quoted(field.name)}) <= {_LARGEST})")
    return " ".join(parts)


def _copy(connection: apsw.Connection, sql: Statements, table: Table, names: Sequence[str]) -> None:
    """Move the rows to a table of the new form: a search index has fixed columns, and needs row ids that last."""
    kept = [column for column, name in zip(table.columns, table.fields, strict=True) if name not in names]
    new = [quoted(name) for name in names]
    copy = quoted("rows kept")  # no model's table: the name has a space
    connection.execute(f"CREATE TABLE {copy} AS SELECT {', '.join(kept)} FROM {table.name}")
    recreate(connection, sql, table, had_search=bool(set(table.searchable) - set(names)))
    connection.execute(
        f"INSERT INTO {table.name}({', '.join(kept + new)}) SELECT *, {', '.join('?' * len(new))} FROM {copy}",
        [_default(table, name) for name in names],
    )
    connection.execute(f"DROP TABLE {copy}")
    texts = ", ".join(map(quoted, table.searchable))
    search_index.index(connection, table, connection.execute(f"SELECT {table.row_id}, {texts} FROM {table.name}"))


def _default(table: Table, name: str) -> Scalar:
    (declared,) = [field for field in msgspec.structs.fields(table.schema.model) if field.name == name]
    factory = declared.default_factory
    return table.fields[name].to_scalar(declared.default if factory is msgspec.NODEFAULT else factory())
