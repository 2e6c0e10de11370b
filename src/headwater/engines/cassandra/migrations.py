"""Migrations: a keyspace becomes a store, an older store a newer one, and any other is refused.

They only go forward, each one statement that may be run twice: what two processes make at once is made once.
"""

from __future__ import annotations

import secrets
import uuid
from contextlib import suppress
from typing import Final, TypeAlias, cast

import msgspec

from headwater.engines.cassandra.location import Location
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Levels, Session
from headwater.engines.cassandra.statements import Statements
from headwater.errors import BadDeclaration, FormatTooNew, StoreMismatch, StoreUnavailable
from headwater.ports.engine import EngineOptions, Identity

__all__ = ["Opened", "open_store"]

_OLDEST: Final = 1
"""The oldest format whose releases run on the newest one; a migration that takes something away raises it."""
_PARTITIONS: Final = 16
_REPLICAS: Final = 3

_IdentityRow: TypeAlias = tuple[int, int, str, bytes, str, str, int, str, int, int, int]
"""The columns of `find_identity`."""


class Opened(msgspec.Struct, frozen=True):
    """What a store says of itself when it is opened."""

    identity: Identity
    partitions: int
    shape: Shape


async def open_store(session: Session, cql: Statements, location: Location, options: EngineOptions) -> Opened:
    """Connect, make the keyspace and the tables that are missing, and set the levels that the store was made with.

    Raises StoreMismatch for another store, other names, sizes or data centre; FormatTooNew; StoreUnavailable.
    """
    await session.open()
    if not await _replication(session, location):
        if not options.create:
            raise StoreUnavailable(f"there is no keyspace {location.keyspace!r}: check the URL")
        await session.run(await _new_keyspace(session, location))
    if not await _is_made(session, location, options):  # or another process is about to, or was killed before the end
        await _migrate(session, cql, 0)
        await _identify(session, cql, location, options)
    opened, format = await _opened(session, len(cql.migrations), location, options)
    if format < len(cql.migrations):
        await _migrate(session, cql, format)
        await session.compare_and_set(("raise_format", (len(cql.migrations), _OLDEST, format)))
    return opened


async def _replication(session: Session, location: Location) -> list[tuple[object, ...]]:
    return await session.run(
        f"SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = '{location.keyspace}'"
    )


async def _new_keyspace(session: Session, location: Location) -> str:
    """Replicated as asked, else three times where there are nodes enough."""
    nodes = 1 + len(await session.run("SELECT peer FROM system.peers"))
    replicas = location.replication or min(_REPLICAS, nodes)
    where = location.data_center or "replication_factor"
    return (
        f'CREATE KEYSPACE IF NOT EXISTS "{location.keyspace}" '
        f"WITH replication = {{'class': 'NetworkTopologyStrategy', '{where}': {replicas}}} AND durable_writes = true"
    )


async def _is_made(session: Session, location: Location, options: EngineOptions) -> bool:
    """A store says who it is once all its tables are there."""
    tables = await _tables(session, location)
    if "headwater_store" not in tables:
        _check_new(tables, location, options)
        return False
    with suppress(StoreMismatch):  # what the node says of a table that another process is about to make
        if await session.row("find_identity", serially=True) is not None:
            return True
    if not options.create:
        raise StoreUnavailable(f"keyspace {location.keyspace!r} holds a store that is not made yet: try again later")
    return False


async def _tables(session: Session, location: Location) -> set[str]:
    found = await session.run(
        f"SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{location.keyspace}'"
    )
    return {str(name) for (name,) in found}


def _check_new(tables: set[str], location: Location, options: EngineOptions) -> None:
    if not options.create:
        raise StoreUnavailable(f"keyspace {location.keyspace!r} holds no store: check the URL")
    for table in (options.event_store, options.command_store):
        if table.startswith("headwater_"):
            raise BadDeclaration(f"{table!r} clashes with tables of headwater: name another one")
        if table in tables:
            raise StoreMismatch(
                f"keyspace {location.keyspace!r} is no headwater store and has a table {table!r} of its own: "
                "name another keyspace, or other tables with event_store= and command_store="
            )


async def _migrate(session: Session, cql: Statements, format: int) -> None:
    for statement in cql.migrations[format:]:
        await session.run(statement)


async def _identify(session: Session, cql: Statements, location: Location, options: EngineOptions) -> None:
    """Where two make a store at once, the first says which one it is."""
    shape, names = Shape(), (options.event_store, options.command_store)
    identity = options.store_id or str(uuid.uuid4()), secrets.token_bytes(32)
    kept = location.partitions or _PARTITIONS, location.data_center
    chunk = location.events_per_chunk or shape.events_per_chunk
    sizes = chunk, location.events_per_bucket or shape.events_per_bucket, shape.seconds_per_slot
    row = len(cql.migrations), _OLDEST, *identity, *names, *kept, *sizes
    await session.compare_and_set(("insert_identity", row))


async def _opened(session: Session, newest: int, location: Location, options: EngineOptions) -> tuple[Opened, int]:
    session.levels = Levels.of("")  # whatever the levels of the store are, these overlap with them
    row = await session.row("find_identity", serially=True)
    if row is None:
        raise StoreMismatch(f"keyspace {location.keyspace!r} holds no identity of a store: name another keyspace")
    format, oldest, store_id, secret, events, commands, partitions, home, *sizes = cast("_IdentityRow", row)
    known = options.store_id, options.event_store, options.command_store
    _check(location, known, (store_id, events, commands, partitions, home))
    if oldest > newest:
        raise FormatTooNew(
            f"this store has format {format}, for releases that know format {oldest} or a later one, and this "
            f"release knows formats up to {newest}: upgrade headwater"
        )
    chunk, bucket, slot = sizes
    _check_size("events_per_chunk", location.events_per_chunk, chunk)
    _check_size("events_per_bucket", location.events_per_bucket, bucket)
    session.levels = Levels.of(home)
    shape = Shape(events_per_chunk=chunk, events_per_bucket=bucket, seconds_per_slot=slot)
    return Opened(Identity(store_id, secret), partitions, shape), format


def _check(location: Location, wanted: tuple[str | None, str, str], kept: tuple[str, str, str, int, str]) -> None:
    store_id, events, commands, partitions, home = kept
    if wanted[0] not in (None, store_id):
        raise StoreMismatch(f"this is store {store_id}, expected {wanted[0]}: check the URL")
    if (events, commands) != wanted[1:]:
        raise StoreMismatch(
            f"this store was made with event_store={events!r} and command_store={commands!r}, asked for "
            f"{wanted[1]!r} and {wanted[2]!r}: use its own names"
        )
    if location.partitions not in (None, partitions):
        raise StoreMismatch(
            f"this store's log has {partitions} partitions, asked for {location.partitions}: "
            "their number is fixed when a store is made"
        )
    if location.data_center not in ("", home):
        raise StoreMismatch(
            f"this store was made with data_center={home!r}, asked for {location.data_center!r}: what two processes "
            "agree on at different levels they do not agree on"
        )


def _check_size(name: str, wanted: int | None, kept: int) -> None:
    if wanted not in (None, kept):
        raise StoreMismatch(f"this store was made with {name}={kept}, asked for {wanted}: where events lie is fixed")
