"""Lifecycle: when a projection's rows are made; chosen where it is registered, the class is the same."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypeVar

from headwater.errors import BadDeclaration
from headwater.models.model import ReadModel
from headwater.projections.fold import Fold
from headwater.projections.handler import ProjectionHandler, declaration_of

__all__ = ["Lifecycle", "inline", "lifecycle_of", "live"]

H = TypeVar("H", bound=ProjectionHandler)
F = TypeVar("F", bound=Fold[ReadModel])

Lifecycle: TypeAlias = Literal["async", "inline", "live"]
"""After the append, by a runner; in the append's own transaction; or whenever a row is asked for."""

_MARK = "_headwater_lifecycle"


def inline(handler: H) -> H:
    """Run it in the transaction of every append: `projections=[Users(), inline(Stock())]`.

    Its rows are there when `execute` returns. What its handler raises refuses the command; it may await nothing but
    its views. A runner brings it on where it is behind. Raises BadDeclaration for one with several key ranges.
    """
    if declaration_of(type(handler)).key_ranges > 1:
        raise BadDeclaration(
            f"{type(handler).__name__} has key_ranges= for several workers, and an append is one: "
            "leave key_ranges= out, or register it without inline()"
        )
    return _marked(handler, "inline")


def live(fold: F) -> F:
    """Keep nothing of it: rows are folded from their stream whenever `fetch_latest` is asked for one.

    Raises BadDeclaration for what is no Fold keyed by the stream.
    """
    if not isinstance(fold, Fold):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a checker
        raise BadDeclaration(f"live() takes a Fold object, got {fold!r}: register it without live(), or write a Fold")
    if not fold.folded().by_stream:
        raise BadDeclaration(
            f"{type(fold).__name__} is keyed by what is not the stream, and only a stream's row can be computed on "
            "demand: register it without live()"
        )
    return _marked(fold, "live")


def lifecycle_of(handler: ProjectionHandler) -> Lifecycle:
    """What was chosen for it; `async` where nothing was."""
    chosen: Lifecycle = vars(handler).get(_MARK, "async")
    return chosen


def _marked(handler: H, lifecycle: Lifecycle) -> H:
    vars(handler)[_MARK] = lifecycle
    return handler
