"""Raw: what a good author writes by hand on asyncpg. The engine's own tables and indexes, the same rows.

Statements are prepared once for each connection, offsets come from the partition's counter, versions are checked by
the statement that moves them. It knows the streams it made, so it keeps their versions in variables.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final, cast
from uuid import UUID
from zlib import crc32

import asyncpg
import msgspec

from bench.domain import Credited
from headwater.domain.event import NewEvent

__all__ = ["PARTITIONS", "RawStore", "RawStream"]

PARTITIONS: Final = 8

_MOVE_PARTITION = "UPDATE headwater_partitions SET next = next + $2 WHERE partition = $1 RETURNING next - $2"
_INSERT_STREAM = """
    INSERT INTO headwater_streams (name, category, partition, partition_key, version, last_timestamp, chain)
    VALUES ($1, 'account', $2, NULL, 0, 0, 0)
"""
_COUNT_STREAM = """
    INSERT INTO headwater_categories AS known (name, partition, streams) VALUES ('account', $1, 1)
    ON CONFLICT (name, partition) DO UPDATE SET streams = known.streams + 1
"""
_MOVE_STREAM = """
    UPDATE headwater_streams SET version = $2, last_timestamp = $3, chain = $4 WHERE name = $1 AND version = $2 - 1
    RETURNING name
"""
_INSERT_EVENT = """
    INSERT INTO events (
        partition, "offset", stream, version, event_id, timestamp, type, schema, data, context, topic, checksum
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
_APPEND_AT_ONCE = """
    WITH standing AS (
        UPDATE headwater_streams SET version = $3, last_timestamp = $5, chain = $11
        WHERE name = $2 AND version = $3 - 1
        RETURNING name
    ),
    moved AS (
        UPDATE headwater_partitions SET next = next + 1 FROM standing WHERE partition = $1
        RETURNING next - 1 AS "offset"
    )
    INSERT INTO events (
        partition, "offset", stream, version, event_id, timestamp, type, schema, data, context, topic, checksum
    )
    SELECT $1, moved."offset", $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM moved
    RETURNING "offset"
"""
_SELECT_STREAM = "SELECT type, data FROM events WHERE stream = $1 ORDER BY version"
_SELECT_LOG = """
    SELECT type, data, stream FROM events WHERE partition = $1 AND "offset" >= $2 ORDER BY "offset" LIMIT $3
"""
_SELECT_PAGE = """
    SELECT partition, "offset", stream, version, event_id, timestamp, type, schema, data, context, topic, checksum
    FROM events WHERE partition = $1 AND "offset" >= $2 ORDER BY "offset" LIMIT $3
"""
_COUNT_CREDITS = """
    INSERT INTO account_views AS view (account, balance, credits)
    SELECT account, sum(amount), count(*) FROM unnest($1::text[], $2::bigint[]) AS credit (account, amount)
    GROUP BY account ORDER BY account COLLATE "C"
    ON CONFLICT (account) DO UPDATE
    SET balance = view.balance + excluded.balance, credits = view.credits + excluded.credits
"""
_INSERT_ENTRIES = """
    INSERT INTO entries (number, account, amount) SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[])
"""
_SELECT_VIEW = "SELECT account, balance, credits FROM account_views WHERE account = $1"
_MOVE_CHECKPOINT = """
    INSERT INTO headwater_checkpoints (projection, partition, generation, key_range, "offset", epoch, effects)
    VALUES ('by_hand', $1, 0, 0, $2, 1, 0)
    ON CONFLICT (projection, partition, generation, key_range) DO UPDATE SET "offset" = excluded."offset"
"""

_DECODERS = {"Credited": msgspec.json.Decoder(Credited).decode}


class RawStream:
    """Where a stream stands."""

    __slots__ = ("chain", "name", "partition", "version")

    def __init__(self, name: str) -> None:
        self.name = name
        self.partition = crc32(name.encode()) % PARTITIONS
        self.version = 0
        self.chain = 0


class RawStore:
    """One connection on a store's schema."""

    def __init__(self, connection: Any, schema: str) -> None:
        self.connection = connection
        self.schema = schema
        self.execute = connection.execute
        self._prepared: dict[str, Any] = {}

    @classmethod
    async def connected(cls, url: str, schema: str) -> RawStore:
        """`url` is the server's: the store must be there."""
        return cls(await asyncpg.connect(url, server_settings={"search_path": schema}), schema)

    async def close(self) -> None:
        await self.connection.close()

    async def statement(self, query: str) -> Any:
        """Prepared once."""
        if query not in self._prepared:
            self._prepared[query] = await self.connection.prepare(query)
        return self._prepared[query]

    async def value(self, query: str, *args: object) -> Any:
        return await (await self.statement(query)).fetchval(*args)

    async def rows(self, query: str, *args: object) -> list[Any]:
        return cast("list[Any]", await (await self.statement(query)).fetch(*args))

    async def stream(self, name: str) -> RawStream:
        """A new stream, in a transaction of its own."""
        stream = RawStream(name)
        async with self.connection.transaction():
            await self.value(_MOVE_PARTITION, stream.partition, 0)
            await self.value(_INSERT_STREAM, name, stream.partition)
            await self.value(_COUNT_STREAM, stream.partition)
        return stream

    async def append(self, stream: RawStream, event: NewEvent) -> int:
        """One event, one transaction: the partition's turn, the stream, the event, and COMMIT; its offset."""
        now, chain = time.time_ns() // 1_000, crc32(event.data, stream.chain)
        await self.execute("BEGIN")
        offset = await self.value(_MOVE_PARTITION, stream.partition, 1)
        if await self.value(_MOVE_STREAM, stream.name, stream.version + 1, now, chain) is None:
            await self.execute("ROLLBACK")
            raise RuntimeError(f"{stream.name} stands elsewhere")
        row = (stream.partition, offset, stream.name, stream.version + 1, UUID(bytes=event.event_id), now)
        await self.value(_INSERT_EVENT, *row, event.type, event.schema, event.data, b"", None, chain)
        await self.execute("COMMIT")
        stream.version, stream.chain = stream.version + 1, chain
        return int(offset)

    async def append_at_once(self, stream: RawStream, event: NewEvent) -> int:
        """The same as one statement, which is a transaction."""
        now, chain = time.time_ns() // 1_000, crc32(event.data, stream.chain)
        row = (stream.partition, stream.name, stream.version + 1, UUID(bytes=event.event_id), now)
        rest = (event.type, event.schema, event.data, b"", None, chain)
        offset = await self.value(_APPEND_AT_ONCE, *row, *rest)
        if offset is None:
            raise RuntimeError(f"{stream.name} stands elsewhere")
        stream.version, stream.chain = stream.version + 1, chain
        return int(offset)

    async def load(self, stream: str) -> int:
        """Fetch, typed decode and evolve: the balance."""
        balance = 0
        for type, data in await self.rows(_SELECT_STREAM, stream):
            match _DECODERS[type](data):
                case Credited(amount=amount):
                    balance += amount
        return balance

    async def page(self, partition: int, start: int, limit: int) -> int:
        """Every column of a page of the log, as the driver hands it over; how many events."""
        return len(await self.rows(_SELECT_PAGE, partition, start, limit))

    async def project(self, partition: int, start: int, limit: int) -> int:
        """One batch from the log into the view with its checkpoint, in one transaction; how many events."""
        rows = await self.rows(_SELECT_LOG, partition, start, limit)
        if not rows:
            return 0
        credits = [(stream, _DECODERS[type](data).amount) for type, data, stream in rows]
        await self.execute("BEGIN")
        await self.value(_COUNT_CREDITS, [account for account, _ in credits], [amount for _, amount in credits])
        await self.value(_MOVE_CHECKPOINT, partition, start + len(rows))
        await self.execute("COMMIT")
        return len(rows)

    async def entries(self, partition: int, start: int, limit: int) -> list[tuple[int, str, int]]:
        """One page of the log as rows of a table of a row for each event."""
        rows = await self.rows(_SELECT_LOG, partition, start, limit)
        return [
            (number * PARTITIONS + partition, stream, _DECODERS[type](data).amount)
            for number, (type, data, stream) in enumerate(rows, start)
        ]

    async def insert(self, partition: int, start: int, entries: Sequence[tuple[int, str, int]]) -> None:
        """Rows and checkpoint in one transaction, by one INSERT."""
        await self.execute("BEGIN")
        await self.value(_INSERT_ENTRIES, *map(list, zip(*entries, strict=True)))
        await self.value(_MOVE_CHECKPOINT, partition, start + len(entries))
        await self.execute("COMMIT")

    async def copy(self, partition: int, start: int, entries: Sequence[tuple[int, str, int]]) -> None:
        """The same by COPY."""
        await self.execute("BEGIN")
        await self.connection.copy_records_to_table("entries", records=entries, columns=("number", "account", "amount"))
        await self.value(_MOVE_CHECKPOINT, partition, start + len(entries))
        await self.execute("COMMIT")

    async def view(self, account: str) -> object:
        """The row of an account."""
        return (await self.rows(_SELECT_VIEW, account))[0]
