"""CommandHandler: the class form of a command handler."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from headwater.domain.messages import is_command
from headwater.errors import BadSignature, MissingHandler
from headwater.handling.routing import Handler, handled_by, message_types

__all__ = ["CommandHandler", "command_routes"]


class CommandHandler:
    """Derive and either mark methods with `@handles(Command)`, or write one `async def handle(self, command: A | B)`.

    The annotation of `handle` says which commands it takes; `match` tells them apart.
    """


def command_routes(handler: object) -> list[tuple[type, Handler]]:
    """The commands a handler takes and the function for each; raises MissingHandler if it takes none."""
    routes = [(message, function) for message, function in handled_by(handler) if is_command(message)]
    handle = getattr(handler, "handle", None)
    if handle is None:
        return _some(handler, routes)
    if routes:
        raise BadSignature(f"{type(handler).__name__} has both handle() and @handles methods: choose one style")
    if not inspect.iscoroutinefunction(handle):
        raise BadSignature(f"{getattr(handle, '__qualname__', handle)} must be `async def`")
    return _some(handler, [(message, handle) for message in message_types(handle)])


def _some(handler: object, routes: Iterable[tuple[type, Handler]]) -> list[tuple[type, Handler]]:
    found = list(routes)
    if not found and isinstance(handler, type):
        raise MissingHandler(f"{handler.__name__} is a class: register an object of it, {handler.__name__}(...)")
    if not found:
        raise MissingHandler(
            f"{handler!r} handles nothing: mark it @handles(Command), "
            "or annotate handle(self, command: Command) with the commands it takes"
        )
    return found
