"""Chain: middleware around a handler, composed once at start-up so that a call costs one function per link."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from types import FunctionType, MethodType
from typing import cast

from headwater.errors import BadDeclaration
from headwater.ports.middleware import CallNext, Middleware

__all__ = ["checked_middleware", "compose"]

_OPEN_ENDED = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def checked_middleware(given: Iterable[object]) -> tuple[Middleware, ...]:
    """The middleware of a bus; BadDeclaration for what cannot be called as one."""
    links = tuple(given)
    for link in links:
        if isinstance(link, type):
            raise BadDeclaration(f"middleware= takes objects: write {link.__name__}() instead of the class")
        if not callable(link):
            raise BadDeclaration(f"{link!r} is no middleware: it is called with the message and call_next")
    return cast("tuple[Middleware, ...]", links)


def compose(middleware: Sequence[Middleware], handler: CallNext) -> CallNext:
    """The handler inside the middleware, the first of them outermost."""
    call = handler
    for link in reversed(middleware):
        call = _around(link, call)
    return call


def _around(middleware: Middleware, call_next: CallNext) -> CallNext:
    call = middleware if inspect.isroutine(middleware) else middleware.__call__
    if isinstance(call, MethodType) and (function := _with_last(call.__func__, 3, call_next)) is not None:
        return cast("CallNext", MethodType(function, call.__self__))
    if (function := _with_last(call, 2, call_next)) is not None:
        return cast("CallNext", function)
    return lambda message: call(message, call_next)


def _with_last(function: object, parameters: int, last: CallNext) -> FunctionType | None:
    """A copy of a plain async function whose last parameter has a default: one call less than a function around it.

    None for anything that is not a plain `async def` of just these parameters.
    """
    if not isinstance(function, FunctionType) or function.__defaults__ or not inspect.iscoroutinefunction(function):
        return None
    code = function.__code__
    if code.co_argcount != parameters or code.co_kwonlyargcount or code.co_flags & _OPEN_ENDED:
        return None
    return FunctionType(code, function.__globals__, function.__name__, (last,), function.__closure__)
