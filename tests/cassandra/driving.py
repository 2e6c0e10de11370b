"""Driving a core by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from headwater.engines.cassandra.protocol.core import Core

__all__ = ["driven"]

T = TypeVar("T")


def driven(core: Core[T], replies: Iterable[object]) -> tuple[list[str], T]:
    """The names of what a core asks for, one by one or at once, while it gets these replies; and its outcome."""
    asked, left = list[str](), list(replies)
    try:
        request = next(core)
        while True:
            names = [type(one).__name__ for one in (request if isinstance(request, list) else [request])]
            asked += names
            answers = [left.pop(0) for _ in names]
            request = core.send(answers if isinstance(request, list) else answers[0])
    except StopIteration as stopped:
        assert left == []
        outcome: T = stopped.value
        return asked, outcome
