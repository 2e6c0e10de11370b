"""Returns: what a message says its handler returns, beside what the handler says."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, ForwardRef, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from headwater.domain.messages import CommandLike, QueryLike
from headwater.errors import BadDeclaration, BadSignature

__all__ = ["check_returns", "declared_result"]

_WIDER: dict[object, tuple[type, ...]] = {float: (int,), complex: (int, float)}
"""What the typing rules let stand for a number."""


def declared_result(message: type) -> object:
    """The R of `Command[R]` or `Query[R]`; object where none is named.

    Raises BadDeclaration for a name that is not known where the class is declared.
    """
    for owner in message.__mro__:
        for base in getattr(owner, "__orig_bases__", ()):
            origin = get_origin(base)
            if isinstance(origin, type) and issubclass(origin, CommandLike | QueryLike):
                (argument,) = get_args(base)
                return object if isinstance(argument, TypeVar) else _resolved(argument, owner)
    return object


def check_returns(message: type, function: Callable[..., object], shared: bool = False) -> None:
    """Raise BadSignature where a handler is annotated to return what its message does not declare.

    A function `shared` by several messages returns for each some of what it is annotated with. What cannot be
    resolved, or compared, passes.
    """
    while isinstance(function, functools.partial):
        function = function.func
    try:
        returned, declared = _annotated(function), declared_result(message)
    except (BadDeclaration, NameError, TypeError, AttributeError, SyntaxError):
        return
    fits = [any(_fits(one, other) for other in _members(declared)) for one in _members(returned)]
    if not (any(fits) if shared else all(fits)):
        raise BadSignature(
            f"{getattr(function, '__qualname__', function)} returns {_name(returned)}, "
            f"but {message.__name__} declares {_name(declared)}: make them one"
        )


def _annotated(function: Callable[..., object]) -> object:
    """What a function is annotated to return; Any where it says nothing."""
    plain = getattr(function, "__func__", function)
    annotation = getattr(plain, "__annotations__", {}).get("return", Any)
    holder = type("Holder", (), {"__annotations__": {"returned": annotation}})
    return cast("object", get_type_hints(holder, getattr(plain, "__globals__", {}))["returned"])


def _resolved(argument: object, owner: type) -> object:
    """A forward reference is looked up where the message's class is declared."""
    if not isinstance(argument, ForwardRef):
        return argument
    holder = type("Holder", (), {"__annotations__": {"result": argument.__forward_arg__}})
    try:
        return get_type_hints(holder, vars(sys.modules[owner.__module__]))["result"]
    except (NameError, KeyError) as error:
        raise BadDeclaration(f"{owner.__name__}: the result type {argument.__forward_arg__!r} is not known") from error


def _members(hint: object) -> tuple[object, ...]:
    plain = _plain(hint)
    return tuple(map(_plain, get_args(plain))) if get_origin(plain) in (Union, UnionType) else (plain,)


def _plain(hint: object) -> object:
    while True:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif isinstance(hint, NewType):
            hint = hint.__supertype__
        else:
            return type(None) if hint is None else hint


def _fits(returned: object, declared: object) -> bool:
    """False where no value of the one type is one of the other; True where that cannot be told."""
    one, other = get_origin(returned) or returned, get_origin(declared) or declared
    if not (isinstance(one, type) and isinstance(other, type)) or one is object or Any in (one, other):
        return True
    try:
        if not issubclass(one, (other, *_WIDER.get(other, ()))):
            return False
    except TypeError:  # protocols, typed dictionaries
        return True
    inner, outer = get_args(returned), get_args(declared)
    if one is not other or len(inner) != len(outer):
        return True
    return all(any(_fits(a, b) for b in _members(y)) for x, y in zip(inner, outer, strict=True) for a in _members(x))


def _name(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)
