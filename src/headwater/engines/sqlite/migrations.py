"""Migrations: a file becomes a store, an older store a newer one, and any other is refused.

A store of a later release is refused, whatever its migrations did: the processes of a file are on one machine, where
they are upgraded together.
"""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import secrets
import uuid
from contextlib import suppress
from typing import cast

import apsw

from headwater.engines.sqlite.connection import has_table
from headwater.engines.sqlite.statements import Statements
from headwater.errors import BadDeclaration, FormatTooNew, StoreMismatch, StoreUnavailable
from headwater.ports.engine import EngineOptions, Identity

__all__ = ["format_of", "open_store"]


def open_store(connection: apsw.Connection, sql: Statements, options: EngineOptions) -> Identity:
    """Make the tables that are missing, in one transaction, and say which store this is.

    Raises StoreMismatch for another store or other table names, FormatTooNew for a store of a later release.
    """
    if format_of(connection) != len(sql.migrations):
        connection.execute("BEGIN IMMEDIATE")
        try:
            _migrate(connection, sql, options)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        with suppress(apsw.BusyError):  # another process is about it
            connection.wal_checkpoint()  # without its log the file has its identity still, and is not taken for new
    identity = _identity(connection, sql, options)
    _check_own(connection, sql, options)
    return identity


def format_of(connection: apsw.Connection) -> int:
    """How many migrations made this store; 0 for a file that holds none."""
    if not has_table(connection, "headwater_store"):
        return 0
    format: object = connection.execute("SELECT format FROM headwater_store").get or 0
    if not isinstance(format, int):
        raise StoreMismatch("this file has a table headwater_store of another kind: name another file")
    return format


def _migrate(connection: apsw.Connection, sql: Statements, options: EngineOptions) -> None:
    """Run what the store has not seen; another process may have done so in between."""
    known = len(sql.migrations)
    format = format_of(connection)
    if format > known:
        raise FormatTooNew(
            f"this store has format {format}, this release knows formats up to {known}: upgrade headwater"
        )
    if format == 0:
        if not options.create:
            raise StoreUnavailable("this file holds no store: check the URL")
        _check_free(connection, options)
    for script in sql.migrations[format:]:
        connection.execute(script)
    if format == 0:
        store_id = options.store_id or str(uuid.uuid4())
        names = options.event_store, options.command_store
        connection.execute(sql["insert_identity"], (known, store_id, secrets.token_bytes(32), *names))
    elif format < known:
        connection.execute(sql["update_format"], (known,))


def _check_free(connection: apsw.Connection, options: EngineOptions) -> None:
    for table in (options.event_store, options.command_store):
        if table.startswith(("headwater_", "sqlite_")):
            raise BadDeclaration(f"{table!r} clashes with tables of headwater and SQLite: name another one")
        if has_table(connection, table):
            raise StoreMismatch(
                f"this file is no headwater store and has a table {table!r} of its own: "
                f"name another file, or other tables with event_store= and command_store="
            )


def _check_own(connection: apsw.Connection, sql: Statements, options: EngineOptions) -> None:
    """The store's tables are tables, and nothing is fastened to them: somebody else's hand is refused, not run."""
    tables = options.event_store.lower(), options.command_store.lower()
    intruder = connection.execute(sql["find_intruder"], tables).get
    if intruder is not None:
        type, name, table = cast("tuple[str, str, str]", intruder)
        raise StoreMismatch(
            f"this store has a {type} {name!r} on {table!r} that headwater did not make: find out who did, then drop it"
        )


def _identity(connection: apsw.Connection, sql: Statements, options: EngineOptions) -> Identity:
    row = cast("tuple[int, str, bytes, str, str]", connection.execute(sql["read_identity"]).get)
    _, store_id, secret, events, commands = row
    if options.store_id not in (None, store_id):
        raise StoreMismatch(f"this is store {store_id}, expected {options.store_id}: check the URL")
    if (events, commands) != (options.event_store, options.command_store):
        raise StoreMismatch(
            f"this store was made with event_store={events!r} and command_store={commands!r}, asked for "
            f"{options.event_store!r} and {options.command_store!r}: use its own names"
        )
    return Identity(store_id, secret)
