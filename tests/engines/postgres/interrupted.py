"""A job that is cancelled where it waits for the n-th time, so that a test can try every place there is."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Coroutine, Generator
from typing import Generic, TypeVar

__all__ = ["Interrupted"]

T = TypeVar("T")


class Interrupted(Generic[T]):
    """Awaited in a task of its own, it cancels that."""

    def __init__(self, job: Coroutine[object, object, T], places: Container[int], *, answered: bool) -> None:
        """At each of these places, from 0: while it waits, or in the moment in which what it waited for has come."""
        self._job = job
        self._places = places
        self._answered = answered
        self.waits = 0
        """How often it has waited."""

    def __await__(self) -> Generator[object, object, T]:
        steps = self._job.__await__()
        error: BaseException | None = None
        while True:
            try:
                waited_for = next(steps) if error is None else steps.throw(error)
            except StopIteration as end:
                result: T = end.value
                return result
            if self.waits in self._places:
                self._cancel(waited_for)
            self.waits += 1
            try:
                error = None
                yield waited_for
            except BaseException as thrown:
                error = thrown

    def _cancel(self, waited_for: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._answered and isinstance(waited_for, asyncio.Future):
            waited_for.add_done_callback(lambda _: task.cancel())
        else:
            task.cancel()
