"""Core: a generator that asks for what it needs, and returns its outcome."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias, TypeVar, cast

from headwater.engines.cassandra.protocol.request import Request

__all__ = ["Asked", "Core", "ask", "ask_all"]

T = TypeVar("T")

Asked: TypeAlias = Request[object] | Sequence[Request[object]]
"""One request, or several that may be done at once."""
Core: TypeAlias = Generator[Asked, object, T]


def ask(request: Request[T]) -> Core[T]:
    """The reply to a request."""
    return cast("T", (yield request))


def ask_all(requests: Sequence[Request[T]]) -> Core[list[T]]:
    """The replies to requests that are done at once, in their order. What is thrown in stands for all of them."""
    if not requests:
        return []
    return cast("list[T]", (yield requests))
