"""The fast way to load: a stream for its fold, proved by one pass over its data."""

from __future__ import annotations

from typing import TypeAlias, cast

from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.checksum import chain_of, link
from headwater.errors import StoreCorrupt
from headwater.ports.event_store import FoldRows

__all__ = ["Folds"]

_Row: TypeAlias = tuple[int, str, int, str | None, bytes, int]
"""Version, type, schema, topic, data and checksum."""


class Folds:
    """Reads streams for folding."""

    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool

    async def read(self, stream: str, after: int) -> FoldRows:
        """From the event the fold stands at, which says what the checksums of those behind it go on from."""
        rows = cast("list[_Row]", await self._pool.fetch(self._sql["fold_stream"], stream, after))
        if after == 0:
            return _folded(stream, rows, 0, 0)
        if rows and rows[0][0] == after:
            return _folded(stream, rows[1:], after, chain_of(rows[0][5]))
        version = cast("int", await self._pool.value(self._sql["read_version"], stream) or 0)
        if version >= after:
            raise _corrupt(stream)
        return FoldRows(version, [])


def _folded(stream: str, rows: list[_Row], version: int, chain: int) -> FoldRows:
    checksum = chain
    visible: list[tuple[str, int, bytes]] = []
    for version, type, schema, topic, data, checksum in rows:  # noqa: B007, PLR1704  # the last of each is used below
        chain = link(data, chain)
        if topic is None:
            visible.append((type, schema, data))
    if chain != chain_of(checksum):
        raise _corrupt(stream)
    return FoldRows(version, visible)


def _corrupt(stream: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"the events of stream {stream!r} do not match their checksum: run `headwater verify` and restore from a backup"
    )
