"""Work: something to be done on another thread with a connection, and the way its outcome comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import apsw

from headwater.engines.sqlite.errors import translated

__all__ = ["Outcome", "Work", "settle"]


class Work:
    """A call that waits for its thread, and the future of its caller."""

    __slots__ = ("alone", "call", "future")

    def __init__(self, call: Callable[[apsw.Connection], object], future: asyncio.Future[object], alone: bool) -> None:
        self.call = call
        self.future = future
        self.alone = alone
        """Whether it must run in a savepoint."""


class Outcome:
    """What one piece of work came to: a value, or an error."""

    __slots__ = ("error", "value", "work")

    def __init__(self, work: Work, value: object = None, error: BaseException | None = None) -> None:
        self.work = work
        self.value = value
        self.error = error

    def failed(self, error: BaseException) -> Outcome:
        """What it comes to after all."""
        return Outcome(self.work, error=error)


def settle(outcomes: Iterable[Outcome]) -> None:
    """Resolve every future with one hop to each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
    for outcome in outcomes:
        by_loop.setdefault(outcome.work.future.get_loop(), []).append(outcome)
    for loop, batch in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_deliver, batch)


def _deliver(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        future, error = outcome.work.future, outcome.error
        if future.done():
            continue
        if error is None:
            future.set_result(outcome.value)
        else:
            future.set_exception(_fit_for_a_future(translated(error)))


def _fit_for_a_future(error: BaseException) -> BaseException:
    """A future refuses StopIteration."""
    if isinstance(error, StopIteration):
        refused = RuntimeError("a job on the store raised StopIteration")
        refused.__cause__ = error
        return refused
    return error
