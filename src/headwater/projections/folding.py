"""Folding: a Fold at work, on the rows of a running batch or on a stream's events alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar, cast

from headwater.domain.event import Recorded
from headwater.errors import InvalidMessage
from headwater.handling.batch import Batch, running_batch
from headwater.models.changes import Delete, Insert
from headwater.models.model import ReadModel, schema_of
from headwater.models.shown import shown
from headwater.projections.colocation import UNDIVIDED, Colocation
from headwater.projections.fold import Fold
from headwater.read_models.views import Views

__all__ = ["Folding", "folding_of"]

M = TypeVar("M", bound=ReadModel)


class Folding(Generic[M]):
    """Steps of one fold, each checked. As a projection it reads the rows of a page at once, and keeps them in memory
    until the page's end: one change for each event, which the commit joins to one for each row.
    """

    def __init__(self, fold: Fold[M]) -> None:
        declared = fold.folded()
        self.fold = fold
        self.model = cast("type[M]", declared.model)
        self._schema = schema_of(declared.model)
        self._key = declared.key
        self._key_name = self._schema.key
        self._partition_by = declared.partition_by
        self._steps = declared.steps

    def key_of(self, event: Recorded[object]) -> object:
        """The key of the row that the event is for.

        Raises InvalidMessage for a value that can be none of its model, and what the declared function raises.
        """
        key = self._key
        if key is None:
            return event.stream.partition("-")[2]
        value: object = getattr(event.data, key) if isinstance(key, str) else key(event)
        try:
            self._schema.key_scalar(value)
        except InvalidMessage as error:
            raise InvalidMessage(f"{event.type} gives {shown(value)} for the key of a row: {error}") from None
        return value

    def step(self, row: ReadModel | None, event: Recorded[object], key: object) -> ReadModel | None:
        """The row of this key after an event; as it is for one of a class without a step.

        Raises what the step raises, and InvalidMessage for a row of another class or key, or that does not fit.
        """
        step = self._steps.get(type(event.data))
        after = row if step is None else step(self.fold, row, event)
        if after is None or after is row:
            return after
        if type(after) is not self.model:
            raise InvalidMessage(
                f"{type(self.fold).__name__} made {shown(after)} of {event.type}: return the {self.model.__name__}, "
                "or None"
            )
        if getattr(after, self._key_name) != key:
            raise InvalidMessage(
                f"{type(self.fold).__name__} made a row of key {shown(getattr(after, self._key_name))} of an event of "
                f"key {shown(key)}: a row has the key of its events"
            )
        self._schema.check(after)
        return after

    def settled(self, row: ReadModel | None) -> M | None:
        """The row as it comes back from a store."""
        return None if row is None else cast("M", self._schema.to_row(self._schema.to_scalars(row)))

    # -- as a projection -------------------------------------------------------

    async def prepare(self, events: Iterable[Recorded[object]], views: Views) -> None:
        """Read the rows of a page's keys at once, before any of it is handled."""
        steps, batch = self._steps, running_batch.get()
        if batch is not None:
            keys = {key for event in events if type(event.data) in steps for key in self._keys(event)}
            found = await views.get_many(self.model, keys)
            batch.ahead = {key: found.get(key) for key in keys}

    async def handle(self, event: Recorded[object], views: Views, colocation: Colocation = UNDIVIDED) -> None:
        """One step, its change joining the running batch."""
        key = self.key_of(event)
        if self._partition_by is not None:
            colocation.check(event, self._partition_by, key)
        batch = running_batch.get()
        row = await views.get(self.model, key) if batch is None else await self._row(batch, key, views)
        after = self.step(row, event, key)
        if after is row:
            return
        if batch is not None:
            batch.add(Delete(self.model, key) if after is None else Insert(after))
        elif after is None:
            await views.delete(self.model, key)
        else:
            await views.insert(after)

    async def _row(self, batch: Batch, key: object, views: Views) -> ReadModel | None:
        """The row as the batch has it so far."""
        changes = batch.pending(self.model).get(key)
        if changes:
            last = changes[-1]
            return last.row if isinstance(last, Insert) else None
        if key in batch.ahead:
            return batch.ahead[key]
        return await views.get(self.model, key)

    def _keys(self, event: Recorded[object]) -> Sequence[object]:
        """The event's key; none where it cannot be told, of which its handling will say more."""
        try:
            return (self.key_of(event),)
        except Exception:
            return ()


def folding_of(handler: object) -> Folding[ReadModel] | None:
    """The folding of a Fold; None for any other handler."""
    return Folding(cast("Fold[ReadModel]", handler)) if isinstance(handler, Fold) else None
