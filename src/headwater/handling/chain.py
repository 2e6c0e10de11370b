"""Chain: middleware around a handler, composed once at start-up so that a call costs one function per link."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from headwater.ports.middleware import CallNext, Middleware

__all__ = ["compose"]


def compose(middleware: Sequence[Middleware], handler: CallNext) -> CallNext:
    """The handler inside the middleware, the first of them outermost."""
    call = handler
    for link in reversed(middleware):
        call = _around(link, call)
    return call


def _around(middleware: Middleware, call_next: CallNext) -> CallNext:
    call = middleware if inspect.isroutine(middleware) else middleware.__call__  # looked up once, not at every call
    return lambda message: call(message, call_next)
