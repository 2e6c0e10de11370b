"""The fast way to load: a stream for its fold, proved by one pass over its data.

Few loads go each by itself. Where many are under way, those that wait go together as one statement, which costs about
as much as one of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final, TypeAlias, cast

from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.checksum import chain_of, link
from headwater.errors import HeadwaterError, StoreBusy, StoreCorrupt
from headwater.ports.event_store import FoldRows

__all__ = ["Folds"]

_Row: TypeAlias = tuple[int, str, int, str | None, bytes, int]
"""Version, type, schema, topic, data and checksum."""

_AT_ONCE: Final = 3
"""Statements under way; more loads wait."""
_TOGETHER: Final = 16
"""Loads in one statement, at most: streams may be long."""


class _Waiting:
    """A load that waits for the next statement."""

    __slots__ = ("after", "future", "stream")

    def __init__(self, stream: str, after: int) -> None:
        self.stream = stream
        self.after = after
        self.future: asyncio.Future[list[_Row]] = asyncio.get_running_loop().create_future()


class Folds:
    """Reads streams for folding; `limit` is how many loads may wait."""

    def __init__(self, sql: Statements, pool: Pool, limit: int) -> None:
        self._sql = sql
        self._pool = pool
        self._limit = limit
        self._under_way = 0
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, stream: str, after: int) -> FoldRows:
        """From the event the fold stands at, which says what the checksums of those behind it go on from."""
        rows = await self._rows(stream, after)
        if after == 0:
            return _folded(stream, rows, 0, 0)
        if rows and rows[0][0] == after:
            return _folded(stream, rows[1:], after, chain_of(rows[0][5]))
        version = cast("int", await self._pool.value(self._sql["read_version"], stream) or 0)
        if version >= after:
            raise _corrupt(stream)
        return FoldRows(version, [])

    async def _rows(self, stream: str, after: int) -> list[_Row]:
        """Alone, or with those that wait."""
        if self._under_way >= _AT_ONCE:
            return await self._with_others(stream, after)
        self._under_way += 1
        try:
            return await self._alone(stream, after)
        finally:
            self._under_way -= 1
            self._go_on()

    async def _alone(self, stream: str, after: int) -> list[_Row]:
        return cast("list[_Row]", await self._pool.fetch(self._sql["fold_stream"], stream, after))

    async def _with_others(self, stream: str, after: int) -> list[_Row]:
        if len(self._waiting) >= self._limit:
            raise StoreBusy(f"{self._limit:,} loads are waiting already: try again later, with fewer at once")
        waiting = _Waiting(stream, after)
        self._waiting.append(waiting)
        return await waiting.future

    def _go_on(self) -> None:
        """Those that wait go next."""
        group: list[_Waiting] = []
        while self._waiting and len(group) < _TOGETHER:
            waiting = self._waiting.popleft()
            if not waiting.future.done():
                group.append(waiting)
        if group:
            self._under_way += 1
            task = asyncio.create_task(self._together(group), name="headwater-loads")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _together(self, group: Sequence[_Waiting]) -> None:
        try:
            columns = [each.stream for each in group], [each.after for each in group]
            rows = await self._pool.fetch(self._sql["fold_streams"], *columns)
        except BaseException as error:
            _fail(group, error)
            if not isinstance(error, Exception):
                raise
        else:
            _settle(group, rows)
        finally:
            self._under_way -= 1
            self._go_on()


def _settle(group: Sequence[_Waiting], rows: Sequence[Sequence[object]]) -> None:
    """The rows of the streams come one stream after the other, each with its number in the group, from 1."""
    found: list[list[_Row]] = [[] for _ in group]
    for number, *row in cast("Sequence[tuple[int, *_Row]]", rows):
        found[number - 1].append(cast("_Row", row))
    for waiting, its in zip(group, found, strict=True):
        if not waiting.future.done():
            waiting.future.set_result(its)


def _fail(group: Sequence[_Waiting], error: BaseException) -> None:
    """Each gets an error of its own: an exception belongs to one caller."""
    for waiting in group:
        if waiting.future.done():
            continue
        if isinstance(error, HeadwaterError):
            own = type(error)(*error.args)
            own.__cause__ = error.__cause__ or error
            waiting.future.set_exception(own)
        else:
            waiting.future.set_exception(error)


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
