"""Decider: the functional form of an aggregate.

Source: J. Chassaing, "Functional Event Sourcing Decider" (2021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from headwater.domain.identifier import Identifier
from headwater.errors import BadDeclaration

__all__ = ["Decider"]

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E")


class Decider(msgspec.Struct, Generic[C, S, E], frozen=True, kw_only=True):
    """Three pure values: where to start, what to decide, how to go on.

    Register it as a handler: each of its commands loads the stream that `stream_id` names, folds it with
    `evolve`, and appends what `decide` returns. The command's result is the stream's new version.
    """

    category: str
    commands: tuple[type[C], ...]
    events: tuple[type[E], ...]
    stream_id: Callable[[C], str]
    initial: Callable[[], S]
    decide: Callable[[C, S], Sequence[E]]
    """Raises a DomainError to refuse."""
    evolve: Callable[[S, E], S]

    def __post_init__(self) -> None:
        Identifier(self.category)
        if not self.commands or not self.events:
            raise BadDeclaration(f"the decider of {self.category!r} must name its commands and its events")

    def fold(self, events: Sequence[E], state: S | None = None) -> S:
        """The state after these events, from `state` or from the start."""
        current = self.initial() if state is None else state
        for event in events:
            current = self.evolve(current, event)
        return current
