"""QuerySubscription: the answer of a query, and the next one whenever it has become another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec

from headwater.errors import StoreClosed
from headwater.models.model import ReadModel
from headwater.queries.update_cursor import UpdateCursor
from headwater.read_models.change_watch import ChangeWatch
from headwater.read_models.reads import Reads, running_reads

__all__ = ["QuerySubscription", "Update"]

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Update(msgspec.Struct, Generic[R_co], frozen=True):
    """One answer of a subscription."""

    answer: R_co
    cursor: str
    """Signed text for `subscribe(after=…)` of the same query, in any process on the store: go on from this answer."""


class QuerySubscription(Generic[R]):
    """An async iterator of answers, for one consumer; `async with` or `aclose` ends it, as does letting go of it.

    It asks when it is asked for the next answer: nothing piles up behind a slow consumer, who gets the newest one.
    The query is asked again once a read model that it read, in middleware too, has changed in this process or
    another; what was answered before is not said twice. An error of the query reaches the consumer and ends the
    subscription, as does StoreClosed when the store closes. It ends by itself if the query read no read model:
    nothing could ever change the answer.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[R]],
        watch: ChangeWatch,
        cursor: UpdateCursor,
        *,
        after: str | None,
        min_interval: float,
    ) -> None:
        """`ask` answers the query. Raises InvalidCursor for an `after` that this store did not make for it."""
        self._ask = ask
        self._watch = watch
        self._cursor = cursor
        self._said = None if after is None else cursor.read(after)
        self._min_interval = min_interval
        self._reads: Reads | None = None
        """Of the last answer; None before the first."""
        self._asked_at = 0.0
        self._stirred = asyncio.Event()
        self._ended = asyncio.Event()
        self._closed = False
        watch.join(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Update[R]:
        while True:
            await self._due()
            try:
                answer = await self._asked()
                digest = self._cursor.digest(answer)
            except Exception:
                await self.aclose()
                raise
            if digest != self._said and not self._ended.is_set():
                self._said = digest
                return Update(answer, self._cursor.text(digest))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End it; a consumer that waits for an answer meanwhile finds the iteration ended. Idempotent."""
        self._end()
        self._watch.leave(self)

    # -- the watch's side ------------------------------------------------------

    def moved(self, models: Collection[type[ReadModel]]) -> None:
        if self._reads is not None and not self._reads.versions.keys().isdisjoint(models):
            self._stirred.set()

    def watching(self) -> bool:
        return not self._ended.is_set()

    def closed(self) -> None:
        self._closed = not self._ended.is_set()
        self._end()

    # -- asking ----------------------------------------------------------------

    async def _due(self) -> None:
        """Return when the query is to be asked; raises StopAsyncIteration, StoreClosed."""
        if self._reads is not None:
            if not self._reads.versions:
                await self.aclose()
            while self._reads.hold() and not self._ended.is_set():
                self._stirred.clear()
                await self._stirred.wait()
            await self._pause(self._asked_at + self._min_interval - asyncio.get_running_loop().time())
        if self._closed:
            raise StoreClosed("the store was closed: subscribe again with after= and the last cursor")
        if self._ended.is_set():
            raise StopAsyncIteration

    async def _pause(self, seconds: float) -> None:
        if seconds > 0 and not self._ended.is_set():
            ended = asyncio.ensure_future(self._ended.wait())
            try:
                await asyncio.wait((ended,), timeout=seconds)
            finally:
                ended.cancel()

    async def _asked(self) -> R:
        self._watch.listen()
        self._asked_at = asyncio.get_running_loop().time()
        reads = Reads(self._watch)
        outer = running_reads.set(reads)
        try:
            answer = await self._ask()
        finally:
            running_reads.reset(outer)
        self._reads = reads  # only now: an answer that was cut short is asked for again
        return answer

    def _end(self) -> None:
        self._ended.set()
        self._stirred.set()
