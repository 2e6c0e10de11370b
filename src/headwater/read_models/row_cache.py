"""RowCache: rows by key, kept for a while, never older than a write made through the same cache."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar, cast

import msgspec

from headwater.models.changes import Change, Delete, Insert, apply
from headwater.models.criteria import Criteria
from headwater.models.evaluate import Row
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel, schema_of
from headwater.models.pipeline import Pipeline
from headwater.models.selection import Selection
from headwater.ports.clock import Clock
from headwater.ports.read_models import ReadModels
from headwater.read_models.change_watch import Changed, ChangeWatch, nobody
from headwater.read_models.writing import RowWriter

__all__ = ["RowCache"]

M = TypeVar("M", bound=ReadModel)
_Place: TypeAlias = tuple[type[ReadModel], Scalar]


class _Write(msgspec.Struct):
    """Writes of one row that are under way."""

    writers: int = 0
    contended: bool = False
    """Nobody can say what the row is in the end: two wrote it at once, or another process did."""
    before: Row | None = None
    """What was cached when the only one began."""


class RowCache:
    """A ReadModels and RowWriter over others. `get` is cached; other reads pass through.

    Each row is read once however many ask at the same time. While a row is written it is not cached; afterwards it
    is what was written if `keeps_writes`, and is forgotten otherwise, or if two writes overlapped or one failed.
    With a watch, all rows of a model are forgotten once another process is seen to have changed one; without it, or
    where the engine cannot tell others' changes, see `RowCaching`.
    """

    def __init__(
        self,
        reader: ReadModels,
        writer: RowWriter,
        *,
        seconds: float,
        size: int,
        keeps_writes: bool,
        clock: Clock,
        watch: ChangeWatch | None = None,
        changed: Changed = nobody,
    ) -> None:
        """`watch` counts what is changed elsewhere. `changed` is told the models of rows that are dropped because
        another way of writing has changed them: until then they may have been read as they were before.
        """
        self._reader = reader
        self._writer = writer
        self._micros = round(seconds * 1_000_000)
        self._size = size
        self._keeps_writes = keeps_writes
        self._clock = clock
        self._watch = watch
        self._changed = changed
        self._rows: OrderedDict[_Place, tuple[int, Row]] = OrderedDict()
        self._reading: dict[_Place, asyncio.Task[ReadModel | None]] = {}
        self._writing: dict[_Place, _Write] = {}
        self.hits = 0
        self.misses = 0
        if watch is not None:
            watch.join(self)

    async def get(self, model: type[M], key: object) -> M | None:
        schema = schema_of(model)
        place = model, schema.key_scalar(key)
        kept = self._kept(place)
        if kept is not None and self._watch is not None and self._watch.behind:
            await self._watch.catch_up()
            kept = self._kept(place)
        if kept is not None:
            self.hits += 1
            return cast("M", schema.to_row(kept))
        self.misses += 1
        if place in self._writing:
            return await self._reader.get(model, key)
        reading = self._reading.get(place) or self._read(place, key)
        return cast("M | None", await asyncio.shield(reading))

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        return await self._reader.find(model, selection)

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        return await self._reader.count(model, criteria)

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        return await self._reader.search(model, fields, tokens, limit)

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        return await self._reader.aggregate(model, pipeline)

    async def write(self, changes: Sequence[Change]) -> None:
        """Write through, then keep or forget. Raises what the writer raises."""
        places = _places(changes)
        if self._keeps_writes:
            await self._know({model for model, _ in places})
        for place in places:
            self._begin(place)
        written = False
        try:
            await self._writer.write(changes)
            written = True
        finally:
            for place, own in places.items():
                self._end(place, own if written and self._keeps_writes else [])

    def forget(self, changes: Sequence[Change]) -> None:
        """Drop the rows of changes that another way of writing has made."""
        self._drop_all(_places(changes))

    def clear(self) -> None:
        """Drop every row."""
        self._rows.clear()
        self._reading.clear()
        if self._watch is not None:
            self._watch.rest()

    # -- the watch's side ------------------------------------------------------

    def moved(self, models: Collection[type[ReadModel]]) -> None:
        """Drop the rows of these models, and do not keep those that are being read or written."""
        for (model, _), write in self._writing.items():
            write.contended |= model in models
        self._drop_all([place for place in (*self._rows, *self._reading) if place[0] in models])

    def watching(self) -> bool:
        return bool(self._rows)

    def closed(self) -> None:
        self.clear()

    # -- rows ------------------------------------------------------------------

    async def _know(self, models: Collection[type[ReadModel]]) -> None:
        """Have the watch count these models' changes from before they are read or written."""
        if self._watch is not None:
            for model in models:
                await self._watch.version(model)

    def _kept(self, place: _Place) -> Row | None:
        kept = self._rows.get(place)
        if kept is None:
            return None
        if kept[0] <= self._clock.micros():
            del self._rows[place]
            return None
        self._rows.move_to_end(place)
        return kept[1]

    def _keep(self, place: _Place, row: ReadModel) -> None:
        self._rows[place] = self._clock.micros() + self._micros, schema_of(place[0]).to_scalars(row)
        self._rows.move_to_end(place)
        if len(self._rows) > self._size:
            self._rows.popitem(last=False)
        if self._watch is not None:
            self._watch.listen()

    def _drop(self, place: _Place) -> bool:
        """True if there was something to drop."""
        row = self._rows.pop(place, None)
        reading = self._reading.pop(place, None)  # it goes on for those who wait for it, and is not kept
        return row is not None or reading is not None

    def _drop_all(self, places: Iterable[_Place]) -> None:
        if dropped := {place[0] for place in places if self._drop(place)}:
            self._changed(dropped)

    def _read(self, place: _Place, key: object) -> asyncio.Task[ReadModel | None]:
        async def read() -> ReadModel | None:
            await self._know((place[0],))
            return await self._reader.get(place[0], key)

        def done(task: asyncio.Task[ReadModel | None]) -> None:
            row = None if task.cancelled() or task.exception() else task.result()
            if self._reading.get(place) is task:
                del self._reading[place]
                if row is not None:
                    self._keep(place, row)

        task = self._reading[place] = asyncio.create_task(read())
        task.add_done_callback(done)
        return task

    def _begin(self, place: _Place) -> None:
        write = self._writing.setdefault(place, _Write())
        write.writers += 1
        write.contended |= write.writers > 1
        write.before = self._kept(place)
        self._drop(place)

    def _end(self, place: _Place, changes: Sequence[Change]) -> None:
        write = self._writing[place]
        write.writers -= 1
        if write.writers == 0:
            del self._writing[place]
        known = write.before is not None or any(isinstance(change, Insert) for change in changes)
        if not changes or write.contended or not known:
            return
        schema = schema_of(place[0])
        row = None if write.before is None else schema.to_row(write.before)
        for change in changes:
            row = None if isinstance(change, Delete) else apply(change, row)
        if row is not None:
            self._keep(place, row)


def _places(changes: Sequence[Change]) -> dict[_Place, list[Change]]:
    places: dict[_Place, list[Change]] = {}
    for change in changes:
        place = change.model, schema_of(change.model).key_scalar(change.key)
        places.setdefault(place, []).append(change)
    return places
