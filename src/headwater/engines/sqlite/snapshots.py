"""Snapshots: rows with a checksum each."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import cast

import apsw

from headwater.engines.sql.checksum import snapshot_checksum
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.writer import Writer
from headwater.ports.snapshots import Snapshot

__all__ = ["SqliteSnapshots"]


class SqliteSnapshots:
    def __init__(self, sql: Statements, writer: Writer, readers: Readers) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers

    async def load(self, stream: str, kind: str) -> Snapshot | None:
        return await self._readers.run(self._load, stream, kind)

    async def save(self, snapshot: Snapshot) -> None:
        await self._writer.run(self._save, snapshot)

    async def delete(self, stream: str) -> None:
        await self._writer.run(self._delete, stream)

    def _load(self, connection: apsw.Connection, stream: str, kind: str) -> Snapshot | None:
        row = connection.execute(self._sql["find_snapshot"], (stream, kind)).get
        if row is None:
            return None
        version, state, checksum = cast("tuple[int, bytes, int]", row)
        if checksum != snapshot_checksum(version, state):
            return None
        return Snapshot(stream=stream, kind=kind, version=version, state=state)

    def _save(self, connection: apsw.Connection, snapshot: Snapshot) -> None:
        version, state = snapshot.version, snapshot.state
        row = snapshot.stream, snapshot.kind, version, state, snapshot_checksum(version, state)
        connection.execute(self._sql["write_snapshot"], row)

    def _delete(self, connection: apsw.Connection, stream: str) -> None:
        connection.execute(self._sql["delete_snapshots"], (stream,))
