"""Injection: parameters of handlers resolved by their annotation, once, at start-up."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar, cast, get_args, get_origin, get_type_hints

from headwater.errors import BadSignature

__all__ = ["Injector", "parameters"]

T = TypeVar("T")
Factory = Callable[..., object]


class Injector:
    """Knows what can be injected: values by class, and factories by generic class (`Repository[User]`)."""

    def __init__(self) -> None:
        self._values: dict[type, object] = {}
        self._factories: dict[type, Factory] = {}
        self._asked: dict[object, list[str]] = {}

    def provide(self, cls: type[T], value: T) -> None:
        """Inject `value` where a parameter is annotated `cls`."""
        self._values[cls] = value

    def provide_generic(self, cls: type, factory: Factory) -> None:
        """Inject `factory(*arguments)` where a parameter is annotated `cls[arguments]`."""
        self._factories[cls] = factory

    def bind(self, function: Callable[..., Awaitable[T]], skip: int) -> Callable[..., Awaitable[T]]:
        """The function with all but its first `skip` parameters filled in; itself if there is nothing to fill."""
        names = list(inspect.signature(function).parameters)[:skip]
        return self.bind_named(function, names)

    def bind_named(self, function: Callable[..., Awaitable[T]], given: Collection[str]) -> Callable[..., Awaitable[T]]:
        """The function with all but the parameters `given` filled in."""
        filled = self._fill(function, given)
        return functools.partial(function, **filled) if filled else function

    def asked_for(self, cls: type) -> tuple[str, ...]:
        """The functions that have had a `cls` filled in, by name: for needs that are checked at start-up."""
        return tuple(self._asked.get(cls, ()))

    def can_inject(self, annotation: object) -> bool:
        """True if a parameter of this annotation can be filled in."""
        if get_origin(annotation) is None:
            return isinstance(annotation, type) and annotation in self._values
        return get_origin(annotation) in self._factories

    def _fill(self, function: Callable[..., object], given: Collection[str]) -> dict[str, object]:
        filled: dict[str, object] = {}
        for name, (parameter, annotation) in parameters(function, given).items():
            if name in given or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if self.can_inject(annotation):
                if parameter.kind is parameter.POSITIONAL_ONLY:
                    raise BadSignature(f"{_name(function)}: parameter {name!r} is filled in by name: move the `/`")
                filled[name] = self._make(annotation)
                self._asked.setdefault(annotation, []).append(_name(function))
            elif parameter.default is parameter.empty:
                raise BadSignature(
                    f"{_name(function)}: parameter {name!r} cannot be filled in: annotate it with one of "
                    f"{', '.join(sorted(c.__name__ for c in (*self._values, *self._factories)))}"
                )
        return filled

    def _make(self, annotation: object) -> object:
        origin = get_origin(annotation)
        if origin in self._factories:
            return self._factories[origin](*get_args(annotation))
        return self._values[cast("type", annotation)]


def parameters(
    function: Callable[..., object], given: Collection[str] = ()
) -> Mapping[str, tuple[inspect.Parameter, object]]:
    """Parameters with resolved annotations, by name; BadSignature if an annotation names nothing known.

    Those of the parameters `given` need not be resolvable: they stay text then.
    """
    try:
        hints = _hints(function, given)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise BadSignature(
            f"{_name(function)}: an annotation cannot be resolved ({error}): import the name; a class that is local to "
            "a function must be declared at module level, or drop `from __future__ import annotations`"
        ) from error
    found = inspect.signature(function).parameters
    return {name: (parameter, hints.get(name, parameter.annotation)) for name, parameter in found.items()}


def _hints(function: Callable[..., object], given: Collection[str]) -> dict[str, object]:
    try:
        return get_type_hints(function)
    except NameError:
        needed = inspect.get_annotations(function)
        for name in (*given, "return"):
            needed.pop(name, None)
        plain = inspect.unwrap(getattr(function, "__func__", function))
        return get_type_hints(type("Needed", (), {"__annotations__": needed}), getattr(plain, "__globals__", {}))


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__qualname__", repr(function))
