"""Batch: the changes a running projection has made and not committed, and the context variable that carries it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar

from headwater.errors import NotOwner
from headwater.models.changes import Change
from headwater.models.model import ReadModel

__all__ = ["Batch", "running_batch"]

_NOTHING: Mapping[object, list[Change]] = {}


class Batch:
    """Changes in the order they were made. Reads made while it runs must see them: `pending` gives them by row."""

    __slots__ = ("_indexed", "_rows", "changes", "projection", "writes")

    def __init__(self, projection: str, writes: Iterable[type[ReadModel]]) -> None:
        self.projection = projection
        self.writes = frozenset(writes)
        self.changes: list[Change] = []
        self._rows: dict[type[ReadModel], dict[object, list[Change]]] = {}
        self._indexed = 0

    def add(self, change: Change) -> None:
        """Join the batch; raises NotOwner for a model this projection does not declare in `writes=`."""
        if change.model not in self.writes:
            raise NotOwner(
                f"projection {self.projection!r} writes {change.model.__name__} without declaring it: "
                f"add it to writes=[...]"
            )
        self.changes.append(change)

    def mark(self) -> int:
        """A place to roll back to."""
        return len(self.changes)

    def rollback(self, mark: int) -> None:
        """Forget what was added since the mark."""
        if mark < len(self.changes):
            del self.changes[mark:]
            self._rows.clear()
            self._indexed = 0

    def pending(self, model: type[ReadModel]) -> Mapping[object, list[Change]]:
        """The changes of a model's rows by key, each list in order."""
        for change in self.changes[self._indexed :]:
            self._rows.setdefault(change.model, {}).setdefault(change.key, []).append(change)
        self._indexed = len(self.changes)
        return self._rows.get(model, _NOTHING)


running_batch: ContextVar[Batch | None] = ContextVar("headwater_running_batch", default=None)
"""The batch that store calls made by a projection handler join; None outside one."""
