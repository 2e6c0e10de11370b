"""Exports: rows read in one long transaction, a page at a time.

The transaction sees the store of one moment to its end. A table is locked only while a page is read: a savepoint is
rolled back after each, and the lock goes with it. So a swap may rename the tables in between, and nobody who commits
waits behind a swap that waits for an export; the next page finds the table by its number.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, cast

from headwater.domain.version import check_count
from headwater.engines.postgres.checkpoints import checkpoints_of
from headwater.engines.postgres.connection import Connection, Row, begun
from headwater.engines.postgres.errors import sqlstate
from headwater.engines.postgres.generation_states import generations_of
from headwater.engines.postgres.natives import native_of, parameters
from headwater.engines.postgres.parking import parked_pages
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.table import Table, physical, table_of, unknown
from headwater.engines.sql.kept_generations import known_or_unknown
from headwater.errors import InvalidVersion, UnknownName
from headwater.models.model import ReadModel
from headwater.ports.exports import Exported

__all__ = ["export"]

_BEGIN: Final = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
    "SET LOCAL idle_in_transaction_session_timeout = 0"  # whoever takes the pages may take its time
)
_UNDEFINED_TABLE: Final = "42P01"


async def export(
    pool: Pool, sql: Statements, projection: str, number: int, models: Sequence[type[ReadModel]], page: int
) -> AsyncIterator[Exported]:
    """A generation as of one moment; see Exports."""
    check_count(number, "generation")
    if check_count(page, "page") == 0:
        raise InvalidVersion("a page has 1 row or more, got 0")
    async with pool.connection() as connection, begun(connection, _BEGIN):
        kept = known_or_unknown(await generations_of(connection, sql, projection), projection, number)
        tables = [table_of(sql.schema, model, kept.beside) for model in models]
        numbers = await _numbers(connection, sql, tables)
        yield await checkpoints_of(connection, sql, projection, number)
        async for events in parked_pages(connection, sql, projection, number, page):
            yield events
        for model, table in zip(models, tables, strict=True):
            async for rows in _pages(connection, sql, model, table, numbers[table], page):
                yield rows


async def _numbers(connection: Connection, sql: Statements, tables: Sequence[Table]) -> dict[Table, int]:
    """The server's number of each table; raises UnknownName for one that was never made."""
    names = [physical(table.stored) for table in tables]
    rows = await connection.fetch(sql["find_oids"], sql.schema.strip('"'), names)
    found = dict(cast("list[tuple[str, int]]", rows))
    for table, name in zip(tables, names, strict=True):
        if name not in found:
            raise unknown(table)
    return {table: found[name] for table, name in zip(tables, names, strict=True)}


async def _pages(
    connection: Connection, sql: Statements, model: type[ReadModel], table: Table, number: int, page: int
) -> AsyncIterator[Sequence[ReadModel]]:
    """All of a table by key; no page is empty. A key goes back as it is sent everywhere, not as the driver gave it."""
    key, columns = f"r.{table.key}", ", ".join(f"r.{column}" for column in table.columns)
    native, name = native_of(table.key_field), table.name
    beyond = f"WHERE {key} > {native.received.format(f'$1::{native.sent}')} "
    after: Sequence[object] = ()
    while True:
        select = f"SELECT {columns} FROM {{}} AS r {beyond if after else ''}ORDER BY {key} LIMIT {page}"
        while (rows := await _page(connection, sql, select, name, number, after)) is None:
            name = cast("str", await connection.fetchval(sql["find_table_name"], number))
            if name.isdecimal():
                raise UnknownName(f"table {physical(table.stored)!r} was dropped while it was exported: begin again")
        if not rows:
            return
        found = table.rows(model, rows)
        yield found
        after = parameters(table.key_field, [getattr(found[-1], table.schema.key)])


async def _page(
    connection: Connection, sql: Statements, select: str, name: str, number: int, after: Sequence[object]
) -> Sequence[Row] | None:
    """A page of the table, locked no longer than that; None where it is called otherwise now."""
    await connection.execute("SAVEPOINT page")
    try:
        await connection.execute(f"LOCK TABLE {name} IN ACCESS SHARE MODE")
        if not await connection.fetchval(sql["is_table"], name, number):
            return None
        return await connection.fetch(select.format(name), *after)
    except Exception as error:
        if sqlstate(error) != _UNDEFINED_TABLE:
            raise
        return None
    finally:
        await connection.execute("ROLLBACK TO SAVEPOINT page; RELEASE SAVEPOINT page")
