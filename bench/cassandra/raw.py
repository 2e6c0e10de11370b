"""Raw: what a good author writes by hand on acsylla: the same conditional batch, and a select of the same rows.

The engine's own tables; prepared statements; it knows the streams it made, so it keeps their versions in variables. It
copies nothing into the log.
"""

from __future__ import annotations

import time
from typing import Any, Final, cast
from urllib.parse import urlsplit
from uuid import uuid4

import acsylla

from bench.cassandra.server import opened
from bench.domain import new_event
from headwater.domain.event import NewEvent

__all__ = ["INSERT", "MOVE", "RawStore"]

MOVE: Final = """
    UPDATE {0}.events SET head = ?, head_time = ?, partition_key = ? WHERE stream = ? AND chunk = 0
    IF head = ? AND fence = ?
"""
INSERT: Final = """
    INSERT INTO {0}.events (
        stream, chunk, version, attempt, time, event_id, type, type_schema, data, context, topic, tags, seal, command,
        first
    )
    VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_SELECT: Final = """
    SELECT log_offset, stream, version, time, event_id, type, type_schema, data, context, topic, seal
    FROM {0}.headwater_log WHERE part = ? AND bucket = ? AND log_offset >= ? LIMIT ?
"""
_names = iter(range(2**62))


class RawStore:
    """A session on a keyspace that the engine has made."""

    def __init__(self, session: Any, move: Any, insert: Any, select: Any) -> None:
        self._session = session
        self._move = move
        self._insert = insert
        self._select = select

    @classmethod
    async def connected(cls, url: str) -> RawStore:
        """On a store that is there, or is made."""
        await (await opened(f"{url}&sequencers=off")).close()
        parts = urlsplit(url)
        hosts, _, port = parts.netloc.rpartition(":")
        cluster = acsylla.create_cluster(
            hosts.split(","), port=int(port), protocol_version=4, retry_policy="fallthrough", log_level="critical"
        )
        session, keyspace = cast("Any", await cluster.create_session()), parts.path.removeprefix("/")
        statements = [await session.create_prepared(cql.format(keyspace)) for cql in (MOVE, INSERT, _SELECT)]
        return cls(session, *statements)

    async def close(self) -> None:
        await self._session.close()

    async def append_in_turn(self, number: int) -> int:
        """One new stream, one event for each append."""
        stream = f"account-a{next(_names)}"
        for version in range(number):
            await self._append(stream, version, new_event())
        return number

    async def page(self, partition: int, start: int, limit: int) -> int:
        """The rows of a page of the first bucket; the offset behind them."""
        bound = self._select.bind([partition, 0, start, limit], consistency=acsylla.Consistency.QUORUM)
        rows = [row.as_tuple() for row in await self._session.execute(bound)]
        return cast("int", rows[-1][0]) + 1

    async def _append(self, stream: str, version: int, event: NewEvent) -> None:
        now = time.time_ns() // 1_000
        batch: Any = acsylla.create_batch_unlogged()
        batch.set_consistency(acsylla.Consistency.QUORUM)
        batch.set_serial_consistency(acsylla.Consistency.SERIAL)
        batch.add_statement(self._move.bind([version + 1, now, "", stream, version or None, None]))
        row = stream, version + 1, uuid4().bytes, now, event.event_id, event.type, event.schema, event.data
        batch.add_statement(self._insert.bind([*row, b"", "", [], 1, "", b""]))
        applied = (await self._session.execute_batch(batch)).first().as_tuple()[0]
        if not applied:
            raise AssertionError(f"{stream} was written by somebody else")
