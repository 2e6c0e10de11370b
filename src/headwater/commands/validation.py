"""ValidationMiddleware: refuses messages that do not fit their declaration or their rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence

from headwater.domain.registry import Registry
from headwater.errors import DecodingError, InvalidInput, MissingHandler, ValidationFailed
from headwater.ports.middleware import CallNext, Startup

__all__ = ["Rule", "ValidationMiddleware"]

Rule = Callable[[object], str | None]
"""Says what is wrong with a message, or None."""


class ValidationMiddleware:
    """Checks every message before its handler sees it.

    Each field must have its declared type (constructors do not check that at run time), a method `validate(self)`
    of the message may raise or return a complaint, and `rules` add more for message classes.

    Raises ValidationFailed.
    """

    def __init__(self, rules: Mapping[type, Sequence[Rule]] | None = None) -> None:
        self._rules = {message: tuple(checks) for message, checks in (rules or {}).items()}
        self._registry = Registry()

    def prepare(self, startup: Startup) -> None:
        self._registry = startup.registry
        for message in self._rules.keys() - set(startup.handled):
            raise MissingHandler(f"ValidationMiddleware has rules for {message.__name__}, which has no handler")

    async def __call__(self, message: object, call_next: CallNext) -> object:
        self._check_types(message)
        own = getattr(type(message), "validate", None)
        if inspect.isfunction(own):  # pydantic has a class method of this name
            _refuse(message, _complaint(message, own))
        for rule in self._rules.get(type(message), ()):
            _refuse(message, rule(message))
        return await call_next(message)

    def _check_types(self, message: object) -> None:
        try:
            name, schema, data = self._registry.encode(message)
            self._registry.decode(name, schema, data)
        except (DecodingError, InvalidInput) as error:
            raise ValidationFailed(f"{type(message).__name__}: {error.__cause__ or error}") from error


def _complaint(message: object, validate: Callable[[object], object]) -> str | None:
    try:
        said = validate(message)
    except ValueError as error:
        return str(error) or type(error).__name__
    return "validate() says no" if said is False else said if isinstance(said, str) else None


def _refuse(message: object, complaint: str | None) -> None:
    if complaint:
        raise ValidationFailed(f"{type(message).__name__}: {complaint}")
