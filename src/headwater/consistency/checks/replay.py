"""KeyReplay: the rows of some keys, made anew from their events, in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar, cast

from headwater.domain.event import Recorded, StoredEvent
from headwater.errors import HeadwaterError, StoreError
from headwater.handling.batch import Batch, running_batch
from headwater.models.changes import Change, apply, merge
from headwater.models.criteria import Criteria, In
from headwater.models.model import ReadModel, schema_of
from headwater.models.pipeline import Pipeline
from headwater.ports.log import LogFilter
from headwater.ports.read_models import Selection
from headwater.projections.decoding import Decoded, Decoder
from headwater.projections.folding import folding_of
from headwater.projections.parts import ProjectionParts
from headwater.projections.projection import Projection

__all__ = ["KeyReplay", "RowKey", "key_text", "row_keys"]

M = TypeVar("M", bound=ReadModel)

RowKey: TypeAlias = Callable[[StoredEvent, Decoded], str]

_PAGE = 500


def row_keys(projection: Projection) -> Sequence[RowKey]:
    """Which row an event is for, as text: what the projection may mean, the likeliest first."""
    folding = folding_of(projection.handler)
    if folding is not None:
        return (_told_by(folding.key_of),)
    if projection.key_of is not None:
        return (_told_by(projection.key_of),)
    return (lambda stored, _: stored.stream), (lambda stored, _: stored.stream.partition("-")[2])


def _told_by(key_of: Callable[[Recorded[object]], object]) -> RowKey:
    def row_key(stored: StoredEvent, item: Decoded) -> str:
        event = item[0] if isinstance(item, tuple) and item else item
        if not isinstance(event, Recorded):
            return stored.stream
        try:
            return key_text(key_of(event))
        except Exception:  # as when the event was to be handled
            return stored.stream

    return row_key


class KeyReplay:
    """Runs a projection's handlers over the events of the keys that `holds` wants, over rows of its own.

    An event that raises changes nothing, as if it were discarded. It ends after `most` events, or once one has strayed.
    """

    def __init__(
        self,
        parts: ProjectionParts,
        projection: Projection,
        row_key: RowKey,
        holds: Callable[[str], bool],
        most: float = math.inf,
    ) -> None:
        self.unsettled: set[str] = set()
        """Keys of which some events may have had their effect and others not, or in any order."""
        self.handled = 0
        """Events of the wanted keys."""
        self.strayed = ""
        """What a handler read or wrote beside the rows of its event's key: then no sample can be made anew alone."""
        self._parts = parts
        self._projection = projection
        self._row_key = row_key
        self._holds = holds
        self._most = most
        self._rows = _KeyRows(projection.writes)
        self._partition_of: dict[str, int] = {}
        self._decoder = Decoder(parts.registry)
        types = parts.registry.stored_names(projection.events) if projection.events else ()
        self._filter = LogFilter(types=types, hidden=projection.hidden)

    @property
    def rows(self) -> Mapping[tuple[type[ReadModel], str], ReadModel]:
        """By model and key, as text."""
        return self._rows.kept

    @property
    def _is_over(self) -> bool:
        return bool(self.strayed) or self.handled >= self._most

    async def read(self, partition: int, until: int, maybe_until: int) -> None:
        """Handle the events of a partition below `until`; a key with one from there to `maybe_until` is unsettled."""
        offset = 0
        while offset < maybe_until and not self._is_over:
            page = await self._parts.log.read(partition, offset, _PAGE, self._filter)
            events = [event for event in page.events if event.offset < maybe_until]
            if (wants := self._projection.wants) is not None:
                events = [event for event in events if wants(event)]
            for stored, item in zip(events, self._decoder.page(events), strict=True):
                key = self._row_key(stored, item)
                if not self._holds(key):
                    continue
                self.handled += 1
                if stored.offset >= until or self._joins_partitions(key, partition):
                    self.unsettled.add(key)
                elif not isinstance(item, HeadwaterError):
                    await self._handle(key, item if isinstance(item, tuple) else (item,))
                if self._is_over:
                    return
            if page.next == offset:
                return
            offset = page.next

    async def _handle(self, key: str, events: Sequence[Recorded[object]]) -> None:
        """What upcasters made of one event, over the rows of its key."""
        self._rows.key = key
        batch = Batch(self._projection.name, self._projection.writes, self._rows)
        token = running_batch.set(batch)
        try:
            for event in events:
                if (handler := self._projection.handler_of(event.data)) is not None:
                    await handler(event)
        except StoreError:
            raise
        except Exception:  # where it stays so, the event was parked, skipped or discarded
            batch.rollback(0)
        finally:
            running_batch.reset(token)
        self._rows.change(batch.changes)
        self.strayed = self._rows.strayed

    def _joins_partitions(self, key: str, partition: int) -> bool:
        """True if the key has events in several partitions, whose order nobody knows, and the order counts."""
        return self._partition_of.setdefault(key, partition) != partition and not self._projection.declared.commutative


class _KeyRows:
    """A ReadModels of rows made so far, where a handler may see and change those of its own key only."""

    def __init__(self, writes: Sequence[type[ReadModel]]) -> None:
        self.key = ""
        self.kept: dict[tuple[type[ReadModel], str], ReadModel] = {}
        self._writes = frozenset(writes)
        self.strayed = ""

    async def get(self, model: type[M], key: object) -> M | None:
        if model not in self._writes or key_text(key) != self.key:
            self._stray(f"reads {model.__name__} {key_text(key)}")
        return cast("M | None", self.kept.get((model, key_text(key))))

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        match selection.criteria:
            case In(field, (key,)) if field == schema_of(model).key:
                row = await self.get(model, key)
                return [] if row is None else [row]
            case _:
                pass
        self._stray(f"looks for rows of {model.__name__}")
        return []

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        self._stray(f"counts rows of {model.__name__}")
        return 0

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        self._stray(f"searches {model.__name__}")
        return []

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        self._stray(f"aggregates {model.__name__}")
        return []

    def change(self, changes: Sequence[Change]) -> None:
        """Take what one event did."""
        for change in merge(changes):
            place = change.model, key_text(change.key)
            if place[1] != self.key:
                self._stray(f"writes {change.model.__name__} {place[1]}")
            row = apply(change, self.kept.get(place))
            if row is None:
                self.kept.pop(place, None)
            else:
                schema = schema_of(change.model)
                self.kept[place] = schema.to_row(schema.to_scalars(row))

    def _stray(self, does: str) -> None:
        self.strayed = self.strayed or f"{does} for an event of key {self.key!r}"


def key_text(key: object) -> str:
    """A row's key as a projection's key would say it."""
    return str(key)
