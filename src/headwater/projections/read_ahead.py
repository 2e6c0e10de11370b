"""ReadAhead: reads the next page of the log while the last one is handled."""

from __future__ import annotations

import asyncio

import msgspec

from headwater.ports.log import Log, LogFilter, LogPage

__all__ = ["ReadAhead"]


class _Ahead(msgspec.Struct, frozen=True):
    start: int
    limit: int
    task: asyncio.Task[LogPage]


class ReadAhead:
    """Pages of one partition, one after the other; behind a full page the next is on its way."""

    def __init__(self, log: Log, partition: int, only: LogFilter) -> None:
        self._log = log
        self._partition = partition
        self._only = only
        self._ahead: _Ahead | None = None

    async def read(self, start: int, limit: int) -> LogPage:
        """As `Log.read`; what was read ahead for another place is thrown away."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            page = await self._log.read(self._partition, start, limit, self._only)
        elif (ahead.start, ahead.limit) == (start, limit):
            page = await ahead.task
        else:
            ahead.task.cancel()
            page = await self._log.read(self._partition, start, limit, self._only)
        if len(page.events) == limit > 1:
            await self._look_ahead(page.next, limit)
        return page

    def stop(self) -> None:
        """Nobody will read on."""
        if self._ahead is not None:
            self._ahead.task.cancel()
            self._ahead = None

    async def _look_ahead(self, start: int, limit: int) -> None:
        task = asyncio.ensure_future(self._log.read(self._partition, start, limit, self._only))
        task.add_done_callback(_seen)
        self._ahead = _Ahead(start, limit, task)
        await asyncio.sleep(0)  # handlers that never wait would not let it begin


def _seen(task: asyncio.Task[LogPage]) -> None:
    """A failure nobody waits for is no error of its own: who reads there next meets it again."""
    if not task.cancelled():
        task.exception()
