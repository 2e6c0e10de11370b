"""WriteBehind: writes that return at once and reach the store a little later, in order, many in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

from headwater.errors import HeadwaterError, StoreClosed, StoreError
from headwater.models.changes import Change, merge
from headwater.models.criteria import Criteria
from headwater.models.model import ReadModel
from headwater.models.pipeline import Pipeline
from headwater.models.selection import Selection
from headwater.ports.read_models import ReadModels
from headwater.read_models.change_watch import Changed, nobody
from headwater.read_models.overlay import Overlay
from headwater.read_models.writing import RowWriter

__all__ = ["WriteBehind"]

M = TypeVar("M", bound=ReadModel)
R = TypeVar("R")

_LOG: Final = logging.getLogger(__name__)


class WriteBehind:
    """A ReadModels and RowWriter over others, with a bounded buffer between; reads see what is in it.

    A crash loses what is buffered: at most `capacity` changes of the last `seconds`. A flush that fails keeps its
    changes for the next; a change that the store refuses for good is logged, counted in `refused` and dropped.
    """

    def __init__(
        self,
        reader: ReadModels,
        writer: RowWriter,
        *,
        seconds: float,
        capacity: int,
        changed: Changed = nobody,
    ) -> None:
        """`changed` is told the models whose rows read differently now, though the store does not have them yet."""
        self._reader = Overlay(reader, self._pending)
        self._writer = writer
        self._seconds = seconds
        self._capacity = capacity
        self._changed = changed
        self._changes: list[Change] = []
        self._rows: dict[type[ReadModel], dict[object, list[Change]]] = {}
        self._flushes = 0
        self._lock = asyncio.Lock()
        self._ticker: asyncio.Task[None] | None = None
        self.refused = 0

    def start(self) -> None:
        """Flush every `seconds` from now on."""
        self._ticker = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Flush, and take no more writes. Raises StoreError if the store cannot take them now; they stay."""
        ticker, self._ticker = self._ticker, None
        try:
            if ticker is not None:
                ticker.cancel()
                await asyncio.wait((ticker,))
        finally:  # whoever is cancelled meanwhile hears of it, and loses nothing
            await self.flush()

    async def write(self, changes: Sequence[Change]) -> None:
        """Buffer the changes; a full buffer is flushed first. Raises StoreError if that fails: none is kept."""
        self._check_running()
        while self._changes and len(self._changes) + len(changes) > self._capacity:
            await self.flush()
            self._check_running()  # it may have been stopped meanwhile: nobody would flush what comes now
        self._changes.extend(changes)
        self._index(changes)
        self._changed({change.model for change in changes})

    async def flush(self) -> None:
        """Write what is buffered; a cancelled caller does not stop it. Raises StoreError, and keeps the changes."""
        await asyncio.shield(asyncio.ensure_future(self._flush()))

    async def get(self, model: type[M], key: object) -> M | None:
        return await self._settled(lambda: self._reader.get(model, key))

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        return await self._settled(lambda: self._reader.find(model, selection))

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        return await self._settled(lambda: self._reader.count(model, criteria))

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        return await self._settled(lambda: self._reader.search(model, fields, tokens, limit))

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        return await self._settled(lambda: self._reader.aggregate(model, pipeline))

    def _check_running(self) -> None:
        if self._ticker is None:
            raise StoreClosed("this store writes behind and is not running: open it with `async with`")

    async def _settled(self, read: Callable[[], Awaitable[R]]) -> R:
        """The outcome of a read during which nothing was flushed, so that no change is missed or seen twice."""
        while True:
            async with self._lock:
                flushes = self._flushes
            result = await read()
            if flushes == self._flushes:
                return result

    async def _flush(self) -> None:
        async with self._lock:
            count = len(self._changes)
            if count == 0:
                return
            self._flushes += 1
            try:
                await self._writer.write(merge(self._changes[:count]))
                self._forget(count)
            except StoreError:
                raise
            except HeadwaterError:
                for _ in range(count):
                    await self._write_first()

    async def _write_first(self) -> None:
        """Write the first change alone, and drop it if it is refused for good."""
        change = self._changes[0]
        try:
            await self._writer.write([change])
        except StoreError:
            raise
        except HeadwaterError:
            self.refused += 1
            _LOG.exception("a buffered change of %s was refused and is dropped", change.model.__name__)
            self._changed({change.model})
        self._forget(1)

    def _forget(self, count: int) -> None:
        del self._changes[:count]
        self._rows.clear()
        self._index(self._changes)

    def _index(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._rows.setdefault(change.model, {}).setdefault(change.key, []).append(change)

    def _pending(self, model: type[ReadModel]) -> Mapping[object, Sequence[Change]]:
        return self._rows.get(model, {})

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.flush()
            except HeadwaterError:
                _LOG.exception("buffered changes could not be written; they stay and are tried again")
