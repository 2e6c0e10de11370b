"""Folds: the folds of one application by their rows, and who writes the streams they follow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar, cast

from headwater.domain.registry import Registry
from headwater.domain.stream import StreamId
from headwater.errors import InvalidInput, UnknownName
from headwater.models.model import ReadModel, schema_of
from headwater.projections.colocation import Source, check_colocation, stream_category
from headwater.projections.folding import Folding, folding_of
from headwater.projections.handler import ProjectionHandler, declaration_of
from headwater.projections.lifecycle import lifecycle_of

__all__ = ["Folds", "without_live"]

M = TypeVar("M", bound=ReadModel)


class Folds:
    """What `fetch_latest` looks in. Folds and sources are added while the application is wired."""

    def __init__(self, registry: Registry, handlers: Iterable[ProjectionHandler] = ()) -> None:
        self._registry = registry
        self._foldings: dict[type[ReadModel], Folding[ReadModel]] = {}
        self._sources: list[Source] = []
        self.live: set[type[ReadModel]] = set()
        """Read models of which nothing is stored."""
        self.add(*handlers)

    def add(self, *handlers: ProjectionHandler) -> None:
        """Those of the handlers that are folds."""
        for handler in handlers:
            folding = folding_of(handler)
            if folding is not None:
                self._foldings[folding.model] = folding
                self._registry.register(*folding.fold.folded().steps)
                if lifecycle_of(handler) == "live":
                    self.live.add(folding.model)

    def written_by(self, source: Source) -> None:
        """Learn of an aggregate or a decider."""
        self._sources.append(source)

    def check(self, partitions: int) -> None:
        """At start-up, once everything is added. Raises BadDeclaration for a fold that may join what lies apart."""
        for folding in self._foldings.values():
            fold = folding.fold
            check_colocation(fold, self._sources, partitions)
            if fold.folded().by_stream and fold.category is None:
                categories = {source.category for source in self._sources if source.events & fold.folded().steps.keys()}
                fold.category = categories.pop() if len(categories) == 1 else None

    def is_live(self, target: object) -> bool:
        """True for a live projection, named as `wait_for=` names them: its rows are never late."""
        for model in self.live:
            fold = self._foldings[model].fold
            if target in (fold, type(fold), declaration_of(type(fold)).name, model, schema_of(model).table):
                return True
        return False

    def of(self, model: type[M]) -> Folding[M]:
        """The folding of a stream's rows; UnknownName for none, InvalidInput for one of rows of another key."""
        folding = self._foldings.get(model)
        if folding is None:
            known = ", ".join(sorted(model.__name__ for model in self._foldings)) or "none"
            raise UnknownName(f"{model.__name__} is the row of no Fold that is registered: known are {known}")
        if not folding.fold.folded().by_stream:
            raise InvalidInput(
                f"{model.__name__} has rows of what is not a stream, which has no version: find them with Views"
            )
        return cast("Folding[M]", folding)

    def stream(self, model: type[ReadModel], key: str) -> StreamId:
        """The stream that a row follows from; raises as `of`, BadDeclaration, and InvalidId for what is no id."""
        fold = self.of(model).fold
        return StreamId.of(fold.category or stream_category(fold, self._sources), key, self._registry.limits.id_bytes)


def without_live(handlers: Iterable[ProjectionHandler]) -> list[ProjectionHandler]:
    """The handlers that are to run, and whose read models are stored."""
    return [handler for handler in handlers if lifecycle_of(handler) != "live"]
