"""Snapshots: rows with a checksum each, compared and set."""

from __future__ import annotations

from typing import cast

from headwater.engines.cassandra.session import Session
from headwater.engines.sql.checksum import snapshot_checksum
from headwater.ports.snapshots import Snapshot

__all__ = ["CassandraSnapshots"]


class CassandraSnapshots:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def load(self, stream: str, kind: str) -> Snapshot | None:
        row = await self._session.row("find_snapshot", stream, kind)
        if row is None or row[0] is None:
            return None
        version, state, checksum = cast("tuple[int, bytes, int]", row)
        if checksum != snapshot_checksum(version, state):
            return None
        return Snapshot(stream=stream, kind=kind, version=version, state=state)

    async def save(self, snapshot: Snapshot) -> None:
        kept = snapshot.version, snapshot.state, snapshot_checksum(snapshot.version, snapshot.state)
        place = snapshot.stream, snapshot.kind
        is_there = await self._session.compare_and_set(("insert_snapshot", (*place, *kept)))
        if is_there is not None:
            await self._session.compare_and_set(("update_snapshot", (*kept, *place, snapshot.version)))

    async def delete(self, stream: str) -> None:
        for (kind,) in await self._session.rows("list_snapshots", stream):
            await self._session.compare_and_set(("delete_snapshot", (stream, kind)))
