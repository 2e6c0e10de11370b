"""Batch: the changes a running projection has made and not committed, and the context variable that carries it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar

from headwater.errors import NotCommutative, NotOwner
from headwater.models.changes import Accumulate, Change
from headwater.models.model import ReadModel
from headwater.ports.read_models import ReadModels

__all__ = ["Batch", "running_batch"]

_NOTHING: Mapping[object, list[Change]] = {}


class Batch:
    """Changes in the order they were made. Reads made while it runs must see them: `pending` gives them by row."""

    __slots__ = (
        "_indexed",
        "_rows",
        "ahead",
        "at",
        "by_event",
        "changes",
        "commutative",
        "offsets",
        "projection",
        "source",
        "writes",
    )

    def __init__(
        self,
        projection: str,
        writes: Iterable[type[ReadModel]],
        source: ReadModels | None = None,
        *,
        commutative: bool = False,
        by_event: bool = False,
    ) -> None:
        self.projection = projection
        self.writes = frozenset(writes)
        self.source = source
        """The rows it changes, where they are not the ones that are served."""
        self.commutative = commutative
        """True: it takes nothing but accumulations."""
        self.by_event = by_event
        """True: each change is to be told by its event, so a handler is given one event at a time."""
        self.at = -1
        """The offset of the event that is being handled; -1: of none."""
        self.offsets: list[int] = []
        """Of the event that each change is of."""
        self.ahead: dict[object, ReadModel | None] = {}
        """Rows by key as they were before all changes, read ahead by a fold, which has one read model."""
        self.changes: list[Change] = []
        self._rows: dict[type[ReadModel], dict[object, list[Change]]] = {}
        self._indexed = 0

    def add(self, change: Change) -> None:
        """Join the batch.

        Raises NotOwner for a model this projection does not declare in `writes=`, NotCommutative for what depends
        on the order in a batch that must not.
        """
        if change.model not in self.writes:
            raise NotOwner(
                f"projection {self.projection!r} writes {change.model.__name__} without declaring it: "
                f"add it to writes=[...]"
            )
        if self.commutative and not isinstance(change, Accumulate):
            raise NotCommutative(
                f"projection {self.projection!r} declares commutative=True and makes a {type(change).__name__} of "
                f"{change.model.__name__}: only add, max and min commute"
            )
        self.changes.append(change)
        self.offsets.append(self.at)

    def beside(self) -> Batch:
        """An empty one of the same kind, which sees nothing of this."""
        return Batch(self.projection, self.writes, self.source, commutative=self.commutative, by_event=self.by_event)

    def join(self, other: Batch) -> None:
        """Take over the changes of another one, as those that come next."""
        self.changes += other.changes
        self.offsets += other.offsets

    def take_away(self, change: Change) -> None:
        """Make a change that is none of the handler's, which may have to commute, nor of any event."""
        self.changes.append(change)
        self.offsets.append(-1)

    def mark(self) -> int:
        """A place to roll back to."""
        return len(self.changes)

    def rollback(self, mark: int) -> None:
        """Forget what was added since the mark."""
        if mark < len(self.changes):
            del self.changes[mark:]
            del self.offsets[mark:]
            self._rows.clear()
            self._indexed = 0

    def cut(self, mark: int) -> tuple[list[Change], list[int]]:
        """What was added since the mark, which is forgotten; see `paste`."""
        later = self.changes[mark:], self.offsets[mark:]
        self.rollback(mark)
        return later

    def paste(self, later: tuple[list[Change], list[int]]) -> None:
        """Add what was cut."""
        self.changes += later[0]
        self.offsets += later[1]

    def pending(self, model: type[ReadModel]) -> Mapping[object, list[Change]]:
        """The changes of a model's rows by key, each list in order."""
        for change in self.changes[self._indexed :]:
            self._rows.setdefault(change.model, {}).setdefault(change.key, []).append(change)
        self._indexed = len(self.changes)
        return self._rows.get(model, _NOTHING)


running_batch: ContextVar[Batch | None] = ContextVar("headwater_running_batch", default=None)
"""The batch that store calls made by a projection handler join; None outside one."""
