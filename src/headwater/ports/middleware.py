"""Middleware: what is done around every command or query."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from headwater.domain.registry import Registry
from headwater.ports.command_log import CommandLog

__all__ = ["CallNext", "Middleware", "Prepares", "Startup"]

CallNext: TypeAlias = Callable[[object], Awaitable[object]]


class Middleware(Protocol):
    """A callable around the rest of the chain: the first of a list is the outermost.

    Law: it awaits `call_next(message)` at most once and returns its result, or raises.
    """

    async def __call__(self, message: object, call_next: CallNext) -> object: ...


class Startup(msgspec.Struct, frozen=True):
    """What a middleware may look at before the first message."""

    handled: Sequence[type]
    """Every message class with a handler."""
    registry: Registry
    command_log: CommandLog | None


@runtime_checkable
class Prepares(Protocol):
    """A middleware with something to check or fetch at start-up."""

    def prepare(self, startup: Startup) -> None:
        """Raises a ConfigurationError if it cannot do its work for these handlers."""
        ...
