"""Caching: answers of queries kept until what they read changes, each computed once however many ask meanwhile."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Generic, Protocol, TypeVar, cast

import msgspec

from headwater.errors import BadDeclaration, InvalidInput, InvalidMessage
from headwater.models.model import ReadModel
from headwater.ports.clock import Clock, SystemClock
from headwater.read_models.change_watch import ChangeWatch
from headwater.read_models.reads import Reads, running_reads

__all__ = ["Caching", "QueryCache", "QueryShape", "query_caching"]

T = TypeVar("T")
Versions = Mapping[type[ReadModel], int]

_NOTHING: Final[Versions] = MappingProxyType({})


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
    """Seconds an answer may be used, whatever it was made of."""
    size: int = 1_024
    """Answers kept; the least recently used goes first."""
    key_generator: Callable[[QueryShape], str] | None = None
    """The cache key of a query; by default its type and its fields as JSON."""
    invalidate: bool = True
    """Drop an answer when a read model that its handler read has changed: at once after changes by this process, so
    that it reads its own writes; within the engine's polling interval after those of another. What else a handler
    reads, and all that is read on a bus that works alone, counts for nothing but the ttl."""

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.size < 1:
            raise InvalidInput("caching needs a ttl above 0 and a size of at least 1")

    @property
    def seconds(self) -> float:
        return self.ttl.total_seconds() if isinstance(self.ttl, timedelta) else self.ttl


class _Kept(msgspec.Struct, Generic[T], frozen=True):
    """An answer, until when it may be used, and what it was made of."""

    until: int
    answer: T
    versions: Versions


class _Running(Generic[T]):
    """A computation under way."""

    __slots__ = ("answer", "reads")

    def __init__(self, watch: ChangeWatch | None) -> None:
        self.answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.reads = None if watch is None else Reads(watch)

    @property
    def versions(self) -> Versions:
        return _NOTHING if self.reads is None else dict(self.reads.versions)


class QueryCache(Generic[T]):
    """Answers by key, with a time to live, a size limit, and one computation per key at a time.

    With a watch, an answer is dropped when what it read has moved, and not kept if that happens while it is computed.
    For a hit this costs a comparison of two numbers, and one look at the store's counts, which all hits share, if
    there were commits since the last look.
    """

    def __init__(self, caching: Caching, clock: Clock | None = None, watch: ChangeWatch | None = None) -> None:
        self._caching = caching
        self._clock = clock or SystemClock()
        self._watch = watch
        self.invalidates = caching.invalidate and watch is not None
        self._answers: OrderedDict[str, _Kept[T]] = OrderedDict()
        self._readers: dict[type[ReadModel], set[str]] = {}
        """The keys of the answers that were made of a model."""
        self._running: dict[str, _Running[T]] = {}
        self.hits = 0
        self.misses = 0
        self.invalidated = 0
        """Answers dropped, or not kept, because what they read had changed."""
        if watch is not None and self.invalidates:
            watch.join(self)

    async def get(self, key: str, compute: Callable[[], Awaitable[T]]) -> T:
        """The cached answer, or that of `compute`; an error is not cached, and reaches all who wait."""
        waited = False
        while True:
            kept = self._find(key)
            if kept is not None and kept.versions and await self._looked():
                kept = self._find(key)
            if kept is not None:
                self._answers.move_to_end(key)
                return self._hit(kept.answer, kept.versions)
            running = self._running.get(key)
            if running is None:
                self.misses += 1
                return await self._compute(key, compute)
            await asyncio.wait([running.answer])
            if not running.answer.cancelled():
                if waited or await self._holds(running):  # the second one began after this call: it is new enough
                    return self._hit(running.answer.result(), running.versions)
                waited = True

    def clear(self) -> None:
        """Forget every answer, and do not keep those being computed."""
        self._answers.clear()
        self._readers.clear()
        self._running.clear()
        if self._watch is not None:
            self._watch.rest()

    # -- the watch's side ------------------------------------------------------

    def moved(self, models: Collection[type[ReadModel]]) -> None:
        for key in {key for model in models for key in self._readers.get(model, ())}:
            self._drop(key)
            self.invalidated += 1

    def watching(self) -> bool:
        now = self._clock.micros()
        for key in [key for key, kept in self._answers.items() if kept.until <= now]:
            self._drop(key)
        return bool(self._readers)

    def closed(self) -> None:
        self.clear()

    # -- answers ---------------------------------------------------------------

    def _find(self, key: str) -> _Kept[T] | None:
        kept = self._answers.get(key)
        return kept if kept is not None and self._clock.micros() < kept.until else None

    def _hit(self, answer: T, versions: Versions) -> T:
        self.hits += 1
        self._pass_up(versions)
        return answer

    def _pass_up(self, versions: Versions) -> None:
        """Who asks in a computation of its own has read all this too."""
        outer = running_reads.get()
        if outer is not None and outer.watch is self._watch:
            outer.include(versions)

    async def _looked(self) -> bool:
        """Look at the store's counts if there were commits since the last look; False if there were none."""
        if self._watch is None or not self.invalidates or not self._watch.behind:
            return False
        await self._watch.catch_up()
        return True

    async def _holds(self, running: _Running[T]) -> bool:
        """True if nothing that a computation has read has changed since."""
        if running.reads is None or not self.invalidates:
            return True
        await self._looked()
        return running.reads.hold()

    async def _compute(self, key: str, compute: Callable[[], Awaitable[T]]) -> T:
        running: _Running[T] = _Running(self._watch)
        self._running[key] = running
        try:
            answer = await self._noted(running, compute)
        except BaseException as error:
            if running.answer.done() or not self._hand_on(running.answer, error):
                running.answer.cancel()
            raise
        else:
            running.answer.set_result(answer)
            if self._running.get(key) is running:
                self._keep(key, answer, running)
            return answer
        finally:
            if self._running.get(key) is running:
                del self._running[key]

    async def _noted(self, running: _Running[T], compute: Callable[[], Awaitable[T]]) -> T:
        """The answer; what it reads is noted as its own, and as that of the computation it is part of."""
        if running.reads is None:
            return await compute()
        outer = running_reads.set(running.reads)
        try:
            return await compute()
        finally:
            running_reads.reset(outer)
            self._pass_up(running.versions)

    def _hand_on(self, future: asyncio.Future[T], error: BaseException) -> bool:
        """Give those who wait the error; a cancelled computation is only this caller's."""
        if not isinstance(error, Exception):
            return False
        future.set_exception(error)
        future.exception()  # nobody may be waiting: that is no error of its own
        return True

    def _keep(self, key: str, answer: T, running: _Running[T]) -> None:
        self._drop(key)
        if self.invalidates and running.reads is not None:
            if not running.reads.hold():
                self.invalidated += 1
                return
            for model in running.reads.versions:
                self._readers.setdefault(model, set()).add(key)
                running.reads.watch.listen()
        until = self._clock.micros() + int(self._caching.seconds * 1_000_000)
        self._answers[key] = _Kept(until, answer, running.versions)
        while len(self._answers) > self._caching.size:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: str) -> None:
        kept = self._answers.pop(key, None)
        for model in () if kept is None else kept.versions:
            keys = self._readers.get(model, set())
            keys.discard(key)
            if not keys:
                self._readers.pop(model, None)


def query_caching(given: object) -> Caching | None:
    """The options from either form; None for no caching. Raises BadDeclaration, InvalidMessage, InvalidInput."""
    if given is None:
        return None
    if not isinstance(given, Caching | Mapping):
        raise BadDeclaration(f"caching= takes Caching(ttl=60) or a mapping of its fields, got {given!r}")
    try:
        caching = (
            given
            if isinstance(given, Caching)
            else msgspec.convert(_snake_keys(cast("Mapping[str, object]", given)), Caching)
        )
    except msgspec.ValidationError as error:
        raise BadDeclaration(f"caching={given!r} does not fit: {error}") from None
    return caching if caching.enabled else None


def _snake_keys(given: Mapping[str, object]) -> dict[str, object]:
    names = {"keyGenerator": "key_generator"}
    known = {names.get(key, key): value for key, value in given.items()}
    if unknown := known.keys() - set(Caching.__struct_fields__):
        raise InvalidMessage(f"caching has no option {sorted(unknown)}")
    return known
