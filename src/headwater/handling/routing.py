"""Routing: which function handles which message, however the handler is written."""

from __future__ import annotations

import inspect
import types
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Concatenate, ParamSpec, Protocol, TypeVar, Union, cast, get_args, get_origin

from headwater.domain.messages import CommandLike, QueryLike, is_command, is_query
from headwater.errors import BadSignature, DuplicateName
from headwater.handling.injection import parameters

__all__ = ["Handler", "handled_by", "handles", "message_types"]

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
X = TypeVar("X")
P = ParamSpec("P")
Handler = Callable[..., Awaitable[object]]
_MARK = "__headwater_handles__"


class _Handles(Protocol[R]):
    def __call__(
        self, function: Callable[Concatenate[X, P], Awaitable[R]]
    ) -> Callable[Concatenate[X, P], Awaitable[R]]: ...


def handles(message: type[CommandLike[R]] | type[QueryLike[R]]) -> _Handles[R]:
    """Mark a function or method as the handler of a command or query; its return type is checked by type checkers.

    Raises BadSignature for what is no message class, or a function that is not async.
    """
    if not _is_message(message):
        raise BadSignature(f"@handles takes a class of commands or queries, got {message!r}")

    def mark(function: Callable[Concatenate[X, P], Awaitable[R]]) -> Callable[Concatenate[X, P], Awaitable[R]]:
        if not inspect.iscoroutinefunction(function):
            raise BadSignature(f"{getattr(function, '__qualname__', function)} must be `async def`")
        if (other := getattr(function, _MARK, message)) is not message:
            raise BadSignature(f"{function.__qualname__} handles {other.__name__} already: write one for each message")
        setattr(function, _MARK, message)
        return function

    return mark


def handled_by(handler: object) -> Iterator[tuple[type, Handler]]:
    """Message classes and bound functions of a marked function, or of an object with marked methods.

    Raises BadSignature where the first parameter is annotated with another class, DuplicateName for two methods
    of one message.
    """
    if inspect.isfunction(handler) or inspect.ismethod(handler):
        if (message := getattr(handler, _MARK, None)) is not None:
            _check_first(handler, message)
            yield message, handler
        return
    seen: dict[type, str] = {}
    for name, message in _marked(type(handler)):
        if message in seen:
            raise DuplicateName(f"{type(handler).__name__}: {seen[message]} and {name} both handle {message.__name__}")
        seen[message] = name
        method = getattr(handler, name)
        _check_first(method, message)
        yield message, method


def _marked(cls: type) -> Iterator[tuple[str, type]]:
    """Methods and their messages; one that overrides a marked method is for the same message."""
    for name, _ in inspect.getmembers(cls, inspect.isroutine):
        found = [vars(owner).get(name) for owner in cls.__mro__]
        marks = (getattr(getattr(method, "__func__", method), _MARK, None) for method in found)
        if (message := next(filter(None, marks), None)) is not None:
            yield name, message


def message_types(function: Handler, given: Collection[str] = ()) -> tuple[type, ...]:
    """The classes in the annotation of a function's first parameter: one, or the members of a union.

    An annotation of a parameter in `given` that cannot be resolved names none.
    """
    first = next(iter(parameters(function, given).values()), None)
    if first is None:
        return ()
    annotation = first[1]
    members = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return tuple([cast("type", member) for member in members if _is_message(member)])


def _is_message(value: object) -> bool:
    return is_command(value) or is_query(value)


def _check_first(function: Handler, message: type) -> None:
    names = list(inspect.signature(function).parameters)
    if not names:
        raise BadSignature(f"{getattr(function, '__qualname__', function)} must take the {message.__name__} first")
    annotated = message_types(function, names[:1])
    if annotated and message not in annotated:
        raise BadSignature(
            f"{getattr(function, '__qualname__', function)} handles {message.__name__}, "
            f"but its first parameter is {annotated[0].__name__}"
        )
