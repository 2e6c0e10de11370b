"""SqliteReadModelSchema: tables for read models, and what is remembered of their declarations."""

# apsw's annotations name collections.abc.Buffer, which is new in Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import apsw
import msgspec

from headwater.engines.sql.declaration import Declaration, declared, new_fields
from headwater.engines.sqlite.connection import has_table
from headwater.engines.sqlite.read_model_tables import add_columns, create, declared_orders, index, recreate
from headwater.engines.sqlite.row_counts import count_changes
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.table import Table, table_of
from headwater.engines.sqlite.writer import Writer
from headwater.errors import BadDeclaration, StoreMismatch
from headwater.models.criteria import Order
from headwater.models.model import ReadModel

__all__ = ["SqliteReadModelSchema", "make_anew", "stored_declaration"]


class SqliteReadModelSchema:
    """Works in the writer's transaction: of two processes one makes a table and the other finds it."""

    def __init__(self, sql: Statements, writer: Writer) -> None:
        self._sql = sql
        self._writer = writer

    async def ensure(self, models: Sequence[type[ReadModel]]) -> None:
        await self._writer.run_alone(self._ensure, [table_of(model) for model in models])

    async def index(self, model: type[ReadModel], orders: Sequence[tuple[Order, ...]]) -> None:
        await self._writer.run_alone(self._index, table_of(model), orders)

    def _ensure(self, connection: apsw.Connection, tables: Sequence[Table]) -> None:
        """Create the tables that are missing, add the fields that are new."""
        for table in tables:
            stored = stored_declaration(connection, self._sql, table)
            if stored is None:
                create(connection, self._sql, table)
            elif new := new_fields(table.schema, stored):
                add_columns(connection, self._sql, table, new)
                count_changes(connection, self._sql, [table.stored])
            if stored != declared(table.schema):
                _remember(connection, self._sql, table)
            self._index(connection, table, declared_orders(table))

    def _index(self, connection: apsw.Connection, table: Table, orders: Sequence[tuple[Order, ...]]) -> None:
        for order in orders:
            index(connection, self._sql, table, order)


def make_anew(connection: apsw.Connection, sql: Statements, tables: Sequence[Table]) -> None:
    """Drop and create tables, inside the caller's transaction. Raises StoreMismatch for one that is no read model's."""
    for table in tables:
        stored = stored_declaration(connection, sql, table)
        recreate(connection, sql, table, had_search=stored is not None and stored.has_search)
        _remember(connection, sql, table)
    count_changes(connection, sql, [table.stored for table in tables if table.is_served])


def stored_declaration(connection: apsw.Connection, sql: Statements, table: Table) -> Declaration | None:
    """What the table was made for; None if there is none. Raises if its name is not free for it."""
    name = table.stored
    if name.startswith("sqlite_"):
        raise BadDeclaration(f"SQLite keeps names such as {name!r} for itself: give {_model(table)} another table=")
    stored = connection.execute(sql["find_declaration"], (name,)).get
    if stored is not None:
        return msgspec.json.decode(cast("str", stored), type=Declaration)
    for taken in (name, f"{name}__search"):
        if has_table(connection, taken):
            raise StoreMismatch(
                f"a table {taken!r} is there that was not made for {_model(table)}: give it another table="
            )
    return None


def _remember(connection: apsw.Connection, sql: Statements, table: Table) -> None:
    declaration = msgspec.json.encode(declared(table.schema)).decode()
    connection.execute(sql["write_declaration"], (table.stored, declaration))


def _model(table: Table) -> str:
    return table.schema.model.__name__
