"""Stepping: a handler's coroutine run by hand, where nothing but its store's rows may be waited for."""

from __future__ import annotations

import asyncio
from asyncio.events import _set_running_loop  # pyright: ignore[reportPrivateUsage]  # asyncio's own door for loops
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from typing import Generic, TypeVar, cast

from headwater.errors import HeadwaterError, InlineHandlerSuspended

__all__ = ["HandlerRaised", "Wanted", "finished", "stepped"]

T = TypeVar("T")


class HandlerRaised(HeadwaterError):
    """What a handler raised, kept apart from what the store does; carried, never shown."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class Wanted(Generic[T]):
    """What a handler waits for: a read that whoever steps it does in its place."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self.read = read

    def __await__(self) -> Generator[Wanted[T], T, T]:
        return (yield self)


def finished(handled: Awaitable[T], projection: str, context: Context) -> T:
    """The outcome of what never waits, run in a context. Raises InlineHandlerSuspended for what does."""
    steps = handled.__await__()
    try:
        with _nobody_waits(projection):
            context.run(next, steps)
    except StopIteration as outcome:
        return cast("T", outcome.value)
    raise _suspended(steps, projection, context)


async def stepped(handled: Awaitable[T], projection: str) -> T:
    """The outcome of what waits for nothing but reads that are `Wanted`.

    Raises HandlerRaised for what it raises, InlineHandlerSuspended in it where it waits for anything else.
    """
    steps, context = cast("Generator[object, object, T]", handled.__await__()), copy_context()
    step: Callable[[], object] = lambda: steps.send(None)  # noqa: E731
    while True:
        try:
            with _nobody_waits(projection):
                wanted = context.run(step)
        except StopIteration as outcome:
            return cast("T", outcome.value)
        except BaseException as error:
            raise HandlerRaised(error) from error
        if not isinstance(wanted, Wanted):
            raise HandlerRaised(_suspended(steps, projection, context))
        step = await _answered(cast("Wanted[object]", wanted), steps)


async def _answered(wanted: Wanted[object], steps: Generator[object, object, object]) -> Callable[[], object]:
    """The next step: the rows are handed in, or what reading them raised."""
    try:
        answer = await wanted.read()
    except Exception as error:
        raised = error
        return lambda: steps.throw(raised)
    return lambda: steps.send(answer)


@contextmanager
def _nobody_waits(projection: str) -> Generator[None, None, None]:
    """In the place of the event loop something that refuses: whoever asks it for anything would have to wait."""
    loop = asyncio._get_running_loop()  # pyright: ignore[reportPrivateUsage]
    _set_running_loop(cast("asyncio.AbstractEventLoop", _NoLoop(projection)))
    try:
        yield
    finally:
        _set_running_loop(loop)


class _NoLoop:
    def __init__(self, projection: str) -> None:
        self._projection = projection

    def __getattr__(self, name: str) -> object:
        raise _refusal(self._projection)


def _suspended(steps: Generator[object, object, object], projection: str, context: Context) -> InlineHandlerSuspended:
    with suppress(RuntimeError):  # it waits on, even now
        context.run(steps.close)
    return _refusal(projection)


def _refusal(projection: str) -> InlineHandlerSuspended:
    return InlineHandlerSuspended(
        f"the inline projection {projection!r} waits for something outside the append's transaction: "
        "read nothing but its views, or run it async"
    )
