"""The append transaction: locks, a look, a plan, the claims, the events; then COMMIT, whose reply may be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, cast

from asyncpg.pgproto.pgproto import UUID

from headwater.domain.append import Append, CommandRecord, UniqueKey
from headwater.domain.boundary import Alternative, Mark
from headwater.domain.version import AnyVersion, Exact, NoStream
from headwater.engines.postgres.append_locks import AppendLocks
from headwater.engines.postgres.append_plan import Plan, Seen, Standing, planned
from headwater.engines.postgres.boundaries import changed_since, write_tags
from headwater.engines.postgres.connection import Connection, Row, let_go, roll_back
from headwater.engines.postgres.errors import is_connection_lost, is_held_up, translated
from headwater.engines.postgres.log import PostgresLog
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.command_rows import CommandRow, command_row, record_of
from headwater.errors import HeadwaterError
from headwater.ports.clock import Clock

__all__ = ["AppendTransaction", "CommitUnknown", "Follow", "Raced", "Unfit", "event_columns"]

Follow: TypeAlias = Callable[[Connection, Plan], Awaitable[None]]
"""What is done in the transaction after the events are in."""


class Raced(HeadwaterError):
    """Another transaction took a key, a command id or a stream between the look and the write: look again."""


class Unfit(HeadwaterError):
    """A group failed whole, for what one of its appends may be to blame: try each by itself."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.reason = reason


class CommitUnknown(HeadwaterError):
    """COMMIT was sent, and no reply came."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("COMMIT was sent, and no reply came")
        self.plan = plan


class AppendTransaction:
    """Commits a group of appends on a connection."""

    def __init__(self, sql: Statements, locks: AppendLocks, clock: Clock, log: PostgresLog) -> None:
        self._sql = sql
        self._locks = locks
        self._now = clock.micros
        self._log = log
        self._partition_of = log.partition_of

    async def commit(
        self, connection: Connection, appends: Sequence[Append], knowing: bool, follow: Follow | None = None
    ) -> Plan:
        """All that the group's plan says, committed; the offsets of its events in the plan's `firsts`.

        With `knowing` the commands' records are looked at first, else only where an append may be a repetition.
        Raises Raced, CommitUnknown, and what the server or `follow` says: then nothing is committed. Unfit, where
        several wait for what one of them wants and others hold, while the partitions of all are locked.
        """
        checked = [str(check.stream) for append in appends for check in append.checks]
        places = await self._places(connection, checked) if checked else {}
        missing = {name for name in checked if name not in places}
        is_locked = False
        try:
            partitions = self._partitions(appends, places, missing)
            await connection.execute(self._locks.begin(partitions, missing | _may_be_made(appends)))
            is_locked = True
            plan = await self._planned(connection, appends, knowing)
            await self._write(connection, plan)
            if follow is not None:
                await follow(connection, plan)
        except BaseException as error:
            await roll_back(connection)
            if is_locked and len(appends) > 1 and is_held_up(error):
                raise Unfit(translated(error)) from error
            raise
        await self._end(connection, plan)
        return plan

    async def taken(self, connection: Connection, append: Append) -> bytes | None:
        """The first of an append's event ids that the log holds already."""
        ids = [event.event_id for write in append.writes for event in write.events]
        rows = await connection.fetch(self._sql["find_event_ids"], [UUID(id) for id in ids])
        found = {cast("UUID", id).bytes for (id,) in rows}
        return next((id for id in ids if id in found), None)

    async def settled(self, connection: Connection, plan: Plan) -> bool:
        """Whether a group whose COMMIT got no reply is in: under the same locks, so that its transaction has ended.

        One without events has none; should it still be under way, the records of its commands are waited for when it
        is tried again, and found.
        """
        try:
            await connection.execute(self._locks.begin(plan.added))
            if plan.events:
                first = plan.events[0]
                found = await connection.fetchval(self._sql["find_event"], first.stream, first.version)
                return found is not None and cast("UUID", found).bytes == first.event_id
            return await self._are_recorded(connection, plan)
        finally:
            await roll_back(connection)

    async def _end(self, connection: Connection, plan: Plan) -> None:
        """COMMIT. Its reply may not come: raises CommitUnknown."""
        try:
            await connection.execute("COMMIT")
        except BaseException as error:
            if is_connection_lost(error) or isinstance(error, asyncio.CancelledError):
                let_go(connection)
                raise CommitUnknown(plan) from error
            await roll_back(connection)
            raise

    async def _are_recorded(self, connection: Connection, plan: Plan) -> bool:
        """A group without events is as good as committed where its commands have records of the same payload."""
        found = await self._commands(connection, list(plan.commands))
        return all(
            id in found and found[id].error is None and found[id].fingerprint == record.fingerprint
            for id, record in plan.commands.items()
        )

    # -- the look --------------------------------------------------------------

    async def _places(self, connection: Connection, streams: Sequence[str]) -> dict[str, int]:
        """The partitions of streams that are there: they never change."""
        rows = await connection.fetch(self._sql["find_partitions"], streams)
        return dict(cast("list[tuple[str, int]]", rows))

    def _partitions(self, appends: Sequence[Append], places: dict[str, int], missing: set[str]) -> set[int]:
        writes = [write for append in appends for write in append.writes]
        if any(append.conditions for append in appends):  # what may match it, nobody knows where it goes
            return set(range(self._log.partitions))
        keys = {write.partition_key or str(write.stream) for write in writes} | missing
        return {*map(self._partition_of, keys), *places.values()}

    async def _planned(self, connection: Connection, appends: Sequence[Append], knowing: bool) -> Plan:
        streams = await self._streams(connection, appends)
        keys = {key for append in appends for write in append.writes for key in (*write.claims, *write.releases)}
        held = await self._keys(connection, keys) if keys else {}
        ids = [append.command.id for append in appends if append.command is not None]
        commands = await self._commands(connection, ids) if knowing and ids else None
        conditional = [append for append in appends if append.conditions]
        changed = await self._changed(connection, conditional) if conditional else frozenset[tuple[Mark, Alternative]]()
        now = self._now()
        plan = planned(appends, Seen(streams, held, commands, changed), self._partition_of, now)
        if plan.asks_for_commands:
            commands = await self._commands(connection, ids)
            plan = planned(appends, Seen(streams, held, commands, changed), self._partition_of, now)
        return plan

    async def _streams(self, connection: Connection, appends: Sequence[Append]) -> dict[str, Standing]:
        names = {str(write.stream) for append in appends for write in append.writes}
        names.update(str(check.stream) for append in appends for check in append.checks)
        rows = cast(
            "list[tuple[str, str | None, int, int, int]]",
            await connection.fetch(self._sql["look_at_streams"], list(names)),
        )
        return {name: Standing(key, version, timestamp, chain) for name, key, version, timestamp, chain in rows}

    async def _keys(self, connection: Connection, keys: set[UniqueKey]) -> dict[UniqueKey, str]:
        columns = [key.scope for key in keys], [key.value for key in keys]
        rows = cast("list[tuple[str, str, str]]", await connection.fetch(self._sql["look_at_keys"], *columns))
        return {UniqueKey(scope, value): stream for scope, value, stream in rows}

    async def _changed(self, connection: Connection, appends: Sequence[Append]) -> frozenset[tuple[Mark, Alternative]]:
        return await changed_since(connection, self._sql, appends, self._log.partitions)

    async def _commands(self, connection: Connection, ids: Sequence[str]) -> dict[str, CommandRecord]:
        rows = cast("list[CommandRow]", await connection.fetch(self._sql["look_at_commands"], ids))
        return {record.id: record for record in map(record_of, rows)}

    # -- the write -------------------------------------------------------------

    async def _write(self, connection: Connection, plan: Plan) -> None:
        """Releases, claims and command ids first: they may wait for others, and may be lost to them."""
        if releases := plan.releases:
            await connection.execute(self._sql["release_keys"], *_key_columns(releases))
        if claims := plan.claims:
            _all_of(claims, await connection.fetch(self._sql["claim_keys"], *_key_columns(claims)))
        if plan.commands:
            records = sorted(plan.commands.values(), key=lambda record: record.id)
            columns = zip(*[command_row(each, each.writes, each.timestamp) for each in records], strict=True)
            _all_of(records, await connection.fetch(self._sql["record_commands"], *map(list, columns)))
        if plan.events:
            rows = await connection.fetch(self._sql["write_events"], *event_columns(plan))
            plan.firsts = dict(cast("list[tuple[int, int]]", rows))
        if plan.tags:
            await write_tags(connection, self._sql, plan)


def _may_be_made(appends: Sequence[Append]) -> set[str]:
    """The streams that may be made in the partition of another key than their name."""
    writes = [write for append in appends for write in append.writes]
    elsewhere = [write for write in writes if write.partition_key not in (None, str(write.stream))]
    return {
        str(write.stream)
        for write in elsewhere
        if isinstance(write.expected, (AnyVersion, NoStream)) or write.expected == Exact(0)
    }


def _all_of(wanted: Sequence[object], got: Sequence[Row]) -> None:
    if len(got) < len(wanted):
        raise Raced("another transaction was faster: look again")


def _key_columns(keys: Sequence[tuple[UniqueKey, str]]) -> tuple[list[str], list[str], list[str]]:
    return [key.scope for key, _ in keys], [key.value for key, _ in keys], [stream for _, stream in keys]


def event_columns(plan: Plan) -> list[list[object]]:
    """The parameters of `write_events`: columns of the partitions, the streams, the categories, the events."""
    partitions: list[list[object]] = [list(plan.added), list(plan.added.values())]
    streams = [
        (name, name.partition("-")[0], plan.partitions[name], each.partition_key, *_numbers(each))
        for name, each in plan.streams.items()
    ]
    counts = plan.new_categories
    categories: list[list[object]] = [
        [category for category, _ in counts], [partition for _, partition in counts], list(counts.values())
    ]  # fmt: skip
    events = [
        (
            event.partition, event.place, event.stream, event.version, UUID(event.event_id), event.timestamp,
            event.type, event.schema, event.data, event.context, event.topic, event.checksum,
        )
        for event in plan.events
    ]  # fmt: skip
    return [*partitions, *map(list, zip(*streams, strict=True)), *categories, *map(list, zip(*events, strict=True))]


def _numbers(standing: Standing) -> tuple[int, int, int]:
    return standing.version, standing.last_timestamp, standing.chain
