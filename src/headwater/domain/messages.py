"""Commands, queries and events: frozen classes whose stored name is explicit when it must not move."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Generic, TypeGuard, TypeVar, dataclass_transform

import msgspec

from headwater.domain.identifier import check_type_name
from headwater.domain.tags import tagger_of
from headwater.errors import BadDeclaration

__all__ = [
    "Command",
    "CommandLike",
    "Event",
    "EventLike",
    "MessageMeta",
    "Naming",
    "Query",
    "QueryLike",
    "is_command",
    "is_query",
    "naming_of",
]

R_co = TypeVar("R_co", covariant=True)


class Naming(msgspec.Struct, frozen=True):
    """How a message type is called in stored data."""

    name: str
    renamed_from: tuple[str, ...] = ()
    """Names it had before; events stored under them are read as this class."""
    schema: int = 1
    """Rises when the shape changes; an upcaster leads from each to the next."""


def _naming(name: str, renamed_from: Iterable[str], schema: int) -> Naming:
    if type(schema) is not int or schema < 1:
        raise BadDeclaration(f"{name}: schema= must be a whole number from 1, got {schema!r}")
    if isinstance(renamed_from, str):
        raise BadDeclaration(f"{name}: renamed_from= takes a list of names, as in renamed_from=[{renamed_from!r}]")
    return Naming(check_type_name(name), tuple(map(check_type_name, renamed_from)), schema)


class CommandLike(Generic[R_co]):
    """Marks a dataclass, attrs or pydantic class as a command whose handler returns `R_co`."""

    __slots__ = ()


class QueryLike(Generic[R_co]):
    """Marks a dataclass, attrs or pydantic class as a query whose handler returns `R_co`."""

    __slots__ = ()


class EventLike:
    """Marks a dataclass, attrs or pydantic class as an event."""

    __slots__ = ()


class MessageMeta(msgspec.StructMeta):
    """Adds the class keywords `name`, `renamed_from` and `schema` to a msgspec Struct."""

    __naming__: Naming

    def __new__(
        mcls,
        cls_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, object],
        *,
        name: str | None = None,
        renamed_from: Iterable[str] = (),
        schema: int = 1,
        **struct_options: object,
    ) -> MessageMeta:
        struct_options.setdefault("kw_only", True)
        try:
            cls = super().__new__(mcls, cls_name, bases, namespace, **struct_options)  # type: ignore[arg-type]
        except TypeError as error:
            raise BadDeclaration(f"{cls_name} cannot be declared so: {error}") from error
        cls.__naming__ = _naming(name or cls_name, renamed_from, schema)
        with suppress(NameError, TypeError, AttributeError, SyntaxError):  # not resolved yet: looked at when registered
            tagger_of(cls)
        return cls


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Command(msgspec.Struct, CommandLike[R_co], metaclass=MessageMeta, frozen=True, kw_only=True):
    """A wish to change something; its handler returns `R_co`."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Query(msgspec.Struct, QueryLike[R_co], metaclass=MessageMeta, frozen=True, kw_only=True):
    """A question; its handler returns `R_co`."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Event(msgspec.Struct, EventLike, metaclass=MessageMeta, frozen=True, kw_only=True):
    """Something that happened."""


def is_command(value: object) -> TypeGuard[type[CommandLike[object]]]:
    """True for a class of commands; not for the classes they derive from."""
    return isinstance(value, type) and issubclass(value, CommandLike) and value not in _BASES


def is_query(value: object) -> TypeGuard[type[QueryLike[object]]]:
    """True for a class of queries; not for the classes they derive from."""
    return isinstance(value, type) and issubclass(value, QueryLike) and value not in _BASES


_BASES = frozenset[type]({Command, CommandLike, Query, QueryLike})


def naming_of(cls: type) -> Naming:
    """The stored name of any message class; a plain class may set `__naming__ = Naming(...)`."""
    own = cls.__dict__.get("__naming__")
    return own if isinstance(own, Naming) else _naming(cls.__name__, (), 1)
