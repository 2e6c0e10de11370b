"""Gathering: plain writes to one partition, one request on its way at a time, and what comes meanwhile in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from headwater.engines.cassandra.session import Step

__all__ = ["Gathering"]

_MOST: Final = 100

_Waiting: TypeAlias = list[tuple[Step, asyncio.Future[None]]]


class Gathering:
    """Each write keeps its own timestamp, so it is the same alone and in company; a request that fails, fails for all
    of its writes."""

    def __init__(self, write: Callable[..., Awaitable[None]]) -> None:
        """`write` sends steps of one partition in one request."""
        self._write = write
        self._waiting = dict[object, _Waiting]()
        """By partition, of those that have a request on its way."""
        self._tasks = set[asyncio.Task[None]]()

    async def write(self, partition: object, step: Step) -> None:
        """Return once it is acknowledged by a quorum; raises StoreError."""
        waiting = self._waiting.get(partition)
        if waiting is not None:
            acknowledged = asyncio.get_running_loop().create_future()
            waiting.append((step, acknowledged))
            await acknowledged
            return
        self._waiting[partition] = waiting = list[tuple[Step, asyncio.Future[None]]]()
        try:
            await self._write(step)
        finally:
            self._go_on(partition, waiting)

    def _go_on(self, partition: object, waiting: _Waiting) -> None:
        """Send what has come meanwhile, if it is still wanted."""
        waiting[:] = [each for each in waiting if not each[1].done()]
        if not waiting:
            del self._waiting[partition]
            return
        group, waiting[:] = waiting[:_MOST], waiting[_MOST:]
        task = asyncio.create_task(self._send(partition, waiting, group))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, partition: object, waiting: _Waiting, group: _Waiting) -> None:
        failure: Exception | None = None
        try:
            await self._write(*[step for step, _ in group])
        except Exception as error:
            failure = error
        finally:
            self._go_on(partition, waiting)
        for _, acknowledged in group:
            if acknowledged.done():
                continue
            if failure is None:
                acknowledged.set_result(None)
            else:
                acknowledged.set_exception(failure)
