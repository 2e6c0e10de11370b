"""PostgresReadModelSchema: tables for read models, and what is remembered of their declarations."""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar, cast

import msgspec

from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.index_building import build
from headwater.engines.postgres.indexes import Index, declared_indexes, index_of, make, missing
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.read_model_tables import add_columns, create, recreate
from headwater.engines.postgres.row_counts import count_changes
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.table import Table, physical, table_of
from headwater.engines.sql.declaration import Declaration, declared, new_fields
from headwater.errors import BadDeclaration, StoreMismatch
from headwater.models.criteria import Order
from headwater.models.model import ReadModel

__all__ = ["PostgresReadModelSchema", "make_anew", "stored_declaration"]

T = TypeVar("T")

_Indexes: TypeAlias = Mapping[Table, Sequence[Index]]

_SYSTEM_COLUMNS: Final = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})


class PostgresReadModelSchema:
    """Works under a lock of the store: of two processes one makes a table and the other finds it."""

    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool

    async def ensure(self, models: Sequence[type[ReadModel]]) -> None:
        await self._indexed(self._ensure, [table_of(self._sql.schema, model) for model in models])

    async def index(self, model: type[ReadModel], orders: Sequence[tuple[Order, ...]]) -> None:
        table = table_of(self._sql.schema, model)
        await self._indexed(self._index, {table: [index_of(table, order) for order in orders]})

    async def _indexed(self, job: Callable[[Connection, T], Awaitable[_Indexes]], wanted: T) -> None:
        """Have it done at once where nobody waits for it, the rest beside whoever writes."""
        if later := await self._pool.transaction(job, wanted):
            await build(self._pool, self._sql, later)

    async def _ensure(self, connection: Connection, tables: Sequence[Table]) -> _Indexes:
        """Create the tables that are missing, add the fields that are new."""
        await self._lock(connection)
        for table in tables:
            stored = await stored_declaration(connection, self._sql, table)
            if stored is None:
                await create(connection, self._sql, table)
            elif new := new_fields(table.schema, stored):
                await add_columns(connection, table, new)
                await count_changes(connection, self._sql, [table.stored])
            if stored != declared(table.schema):
                await _remember(connection, self._sql, table)
        return await self._made(connection, {table: declared_indexes(table) for table in tables})

    async def _index(self, connection: Connection, wanted: _Indexes) -> _Indexes:
        await self._lock(connection)
        return await self._made(connection, wanted)

    async def _made(self, connection: Connection, wanted: _Indexes) -> _Indexes:
        """Make what is missing of tables without rows; what is missing of the others."""
        later: dict[Table, Sequence[Index]] = {}
        for table, indexes in wanted.items():
            lacking = await missing(connection, self._sql, table, indexes)
            if lacking and await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table.name})"):
                later[table] = lacking
            else:
                await make(connection, table, lacking)
        return later

    async def _lock(self, connection: Connection) -> None:
        await connection.fetchval(self._sql["lock_read_models"], self._sql.schema)


async def make_anew(connection: Connection, sql: Statements, tables: Sequence[Table]) -> None:
    """Drop and create tables, inside the caller's transaction. Raises StoreMismatch for one that is no read model's."""
    for table in tables:
        await stored_declaration(connection, sql, table)
        await recreate(connection, sql, table)
        await _remember(connection, sql, table)
    await count_changes(connection, sql, [table.stored for table in tables if table.is_served])


async def stored_declaration(connection: Connection, sql: Statements, table: Table) -> Declaration | None:
    """What the table was made for; None if there is none. Raises StoreMismatch if its name is not free for it."""
    for name in _SYSTEM_COLUMNS.intersection(table.fields):
        where = f"{table.schema.model.__name__}.{name}"
        raise BadDeclaration(
            f"{where}: PostgreSQL keeps names such as {name!r} for itself: give the field another name"
        )
    stored = await connection.fetchval(sql["find_declaration"], table.stored)
    if stored is not None:
        return msgspec.json.decode(cast("str", stored), type=Declaration)
    if await connection.fetchval(sql["has_table"], table.name):
        name, model = physical(table.stored), table.schema.model.__name__
        raise StoreMismatch(f"a table {name!r} is there that was not made for {model}: give it another table=")
    return None


async def _remember(connection: Connection, sql: Statements, table: Table) -> None:
    declaration = msgspec.json.encode(declared(table.schema)).decode()
    await connection.execute(sql["write_declaration"], table.stored, declaration)
