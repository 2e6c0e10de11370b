"""Caching: answers of queries kept for a while, each computed once however many ask at the same time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

import msgspec

from headwater.errors import InvalidInput
from headwater.ports.clock import Clock, SystemClock

__all__ = ["Caching", "QueryCache", "QueryShape"]

T = TypeVar("T")


class QueryShape(Protocol):
    """What a key generator sees of a query."""

    @property
    def type(self) -> str: ...

    @property
    def params(self) -> Mapping[str, object]: ...


class Caching(msgspec.Struct, frozen=True, kw_only=True):
    """How a query bus caches."""

    enabled: bool = True
    ttl: float | timedelta = 300.0
    """Seconds an answer may be used."""
    size: int = 1_024
    """Answers kept; the least recently used goes first."""
    key_generator: Callable[[QueryShape], str] | None = None
    """The cache key of a query; by default its type and its fields as JSON."""

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.size < 1:
            raise InvalidInput("caching needs a ttl above 0 and a size of at least 1")

    @property
    def seconds(self) -> float:
        return self.ttl.total_seconds() if isinstance(self.ttl, timedelta) else self.ttl


class QueryCache(Generic[T]):
    """Answers by key, with a time to live, a size limit, and one computation per key at a time."""

    def __init__(self, caching: Caching, clock: Clock | None = None) -> None:
        self._caching = caching
        self._clock = clock or SystemClock()
        self._answers: OrderedDict[str, tuple[int, T]] = OrderedDict()
        self._running: dict[str, asyncio.Future[T]] = {}
        self.hits = 0
        self.misses = 0

    async def get(self, key: str, compute: Callable[[], Awaitable[T]]) -> T:
        """The cached answer, or that of `compute`; an error is not cached, and reaches all who wait."""
        kept = self._answers.get(key)
        if kept is not None and self._clock.micros() < kept[0]:
            self._answers.move_to_end(key)
            self.hits += 1
            return kept[1]
        while (running := self._running.get(key)) is not None:
            await asyncio.wait([running])
            if not running.cancelled():
                self.hits += 1
                return running.result()
        self.misses += 1
        return await self._compute(key, compute)

    def clear(self) -> None:
        """Forget every answer, and do not keep those being computed."""
        self._answers.clear()
        self._running.clear()

    async def _compute(self, key: str, compute: Callable[[], Awaitable[T]]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._running[key] = future
        try:
            answer = await compute()
        except BaseException as error:
            if future.done() or not self._hand_on(future, error):
                future.cancel()
            raise
        else:
            future.set_result(answer)
            if self._running.get(key) is future:
                self._keep(key, answer)
            return answer
        finally:
            if self._running.get(key) is future:
                del self._running[key]

    def _hand_on(self, future: asyncio.Future[T], error: BaseException) -> bool:
        """Give those who wait the error; a cancelled computation is only this caller's."""
        if not isinstance(error, Exception):
            return False
        future.set_exception(error)
        future.exception()  # nobody may be waiting: that is no error of its own
        return True

    def _keep(self, key: str, answer: T) -> None:
        self._answers[key] = self._clock.micros() + int(self._caching.seconds * 1_000_000), answer
        self._answers.move_to_end(key)
        while len(self._answers) > self._caching.size:
            self._answers.popitem(last=False)
