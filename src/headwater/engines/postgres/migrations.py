"""Migrations: a schema becomes a store, an older store a newer one, and any other is refused.

They only go forward, and the release before still runs on what they make: a migration adds tables, columns with
defaults and indexes, and takes away nothing that the release before it reads. So while a deployment goes on, processes
of both run, and may be started; the store remembers which releases may.
"""

from __future__ import annotations

import secrets
import uuid
from typing import Final, cast

from headwater.engines.postgres.connection import Connection, begun
from headwater.engines.postgres.errors import is_raced
from headwater.engines.postgres.location import Location
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.surroundings import unfit
from headwater.errors import BadDeclaration, FormatTooNew, StoreMismatch, StoreUnavailable
from headwater.ports.engine import EngineOptions, Identity

__all__ = ["open_store"]

_OLDEST: Final = 1
"""The oldest format whose releases run on the newest one; a migration that takes something away raises it."""
_PARTITIONS: Final = 8
_TRIES: Final = 20


async def open_store(pool: Pool, sql: Statements, location: Location, options: EngineOptions) -> tuple[Identity, int]:
    """Make the schema and the tables that are missing; which store this is, and how many partitions its log has.

    A role that may not make tables opens a store that has them all.
    Raises StoreMismatch for a database that can hold none, another store, other names or another number of
    partitions; FormatTooNew.
    """
    async with pool.connection() as connection:
        await _check_database(connection, sql)
        if await _format(connection, sql) < len(sql.migrations):
            await _migrate(connection, sql, location, options)
        return await _identity(connection, sql, location, options)


async def _check_database(connection: Connection, sql: Statements) -> None:
    found = cast("tuple[int, str]", await connection.fetchrow(sql["look_at_database"]))
    for reason in unfit(*found):
        raise StoreMismatch(reason)


async def _format(connection: Connection, sql: Statements) -> int:
    """How many migrations made this store; 0 where there is none. Raises FormatTooNew for one not to be run on."""
    if not await connection.fetchval(sql["has_table"], f"{sql.schema}.headwater_store"):
        return 0
    row, known = await connection.fetchrow(sql["read_format"]), len(sql.migrations)
    if row is None:
        return 0
    format, oldest = cast("tuple[int, int]", row)
    if oldest > known:
        raise FormatTooNew(
            f"this store has format {format}, for releases that know format {oldest} or a later one, "
            f"and this release knows formats up to {known}: upgrade headwater"
        )
    return format


async def _migrate(connection: Connection, sql: Statements, location: Location, options: EngineOptions) -> None:
    """Run what the store has not seen, alone: another process may be about it too."""
    for tries in range(_TRIES):
        try:
            async with begun(connection):
                await connection.fetchval(sql["lock_migrations"], location.schema)
                await _run(connection, sql, location, options)
            return
        except Exception as error:
            if tries == _TRIES - 1 or not is_raced(error):
                raise


async def _run(connection: Connection, sql: Statements, location: Location, options: EngineOptions) -> None:
    format, known = await _format(connection, sql), len(sql.migrations)
    if format == 0:
        if not options.create:
            raise StoreUnavailable(f"schema {location.schema!r} holds no store: check the URL")
        await _make_schema(connection, sql, location, options)
    for script in sql.migrations[format:]:
        await connection.execute(script)
    if format == 0:
        names = options.event_store, options.command_store
        identity = options.store_id or str(uuid.uuid4()), secrets.token_bytes(32)
        partitions = location.partitions or _PARTITIONS
        await connection.execute(sql["insert_identity"], known, _OLDEST, *identity, *names, partitions)
        await connection.execute(sql["insert_partitions"], partitions)
    elif format < known:
        await connection.execute(sql["update_format"], known, _OLDEST)


async def _make_schema(connection: Connection, sql: Statements, location: Location, options: EngineOptions) -> None:
    if not await connection.fetchval(sql["has_schema"], location.schema):
        await connection.execute(f"CREATE SCHEMA {sql.schema}")
    for table in (options.event_store, options.command_store):
        if table.startswith("headwater_"):
            raise BadDeclaration(f"{table!r} clashes with tables of headwater: name another one")
        if await connection.fetchval(sql["has_table"], f'{sql.schema}."{table}"'):
            raise StoreMismatch(
                f"schema {location.schema!r} is no headwater store and has a table {table!r} of its own: "
                "name another schema, or other tables with event_store= and command_store="
            )


async def _identity(
    connection: Connection, sql: Statements, location: Location, options: EngineOptions
) -> tuple[Identity, int]:
    row = await connection.fetchrow(sql["read_identity"])
    if row is None:
        raise StoreMismatch(f"schema {location.schema!r} holds no identity of a store: name another schema")
    store_id, secret, events, commands, partitions = cast("tuple[str, bytes, str, str, int]", row)
    if options.store_id not in (None, store_id):
        raise StoreMismatch(f"this is store {store_id}, expected {options.store_id}: check the URL")
    if (events, commands) != (options.event_store, options.command_store):
        raise StoreMismatch(
            f"this store was made with event_store={events!r} and command_store={commands!r}, asked for "
            f"{options.event_store!r} and {options.command_store!r}: use its own names"
        )
    if location.partitions not in (None, partitions):
        raise StoreMismatch(
            f"this store's log has {partitions} partitions, asked for {location.partitions}: "
            "their number is fixed when a store is made"
        )
    return Identity(store_id, secret), partitions
