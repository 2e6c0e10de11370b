"""ProjectionHandler: what a user writes to turn events into rows."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import ClassVar, Literal, TypeAlias

import msgspec

from headwater.domain.event import Recorded, StoredEvent
from headwater.domain.identifier import Identifier
from headwater.domain.on import on_methods
from headwater.errors import BadDeclaration, BadSignature
from headwater.models.changes import Change
from headwater.models.model import ReadModel
from headwater.projections.error_policy import ErrorPolicies

__all__ = ["Declaration", "KeyOf", "ProjectionHandler", "Unknown", "Wants", "declaration_of"]

KeyOf: TypeAlias = "str | Callable[[Recorded[object]], str]"
"""What a projection orders by: the name of a field of the event's data, or a function of the event."""
Wants: TypeAlias = Callable[[StoredEvent], bool]
"""Whether a projection wants an event at all, asked before its type need be known here."""
Unknown: TypeAlias = Literal["park", "ignore", "stop"]
"""What becomes of an event whose type is not registered here."""

_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WHOLE = ("handle", "handle_batch")


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """What a projection class says of itself."""

    name: str
    """Under which its checkpoints are kept: renaming it makes another projection."""
    writes: tuple[type[ReadModel], ...]
    key: KeyOf | None = None
    """None: the stream."""
    version: int = 1
    """A higher one is filled beside the one that is served, which it then replaces."""
    key_ranges: int = 1
    """Into how many ranges its keys are dealt, for as many workers in one partition; the same for all of a version."""
    commutative: bool = False
    """True if all it does is accumulate, so that events may be handled in any order."""
    errors: ErrorPolicies = {}
    unknown: Unknown = "park"
    hidden: bool = False
    """True if it is given integration events, too: those that carry a topic and change no aggregate."""
    wants: Wants | None = None
    """None: every event whose class it handles."""


class ProjectionHandler:
    """Derive with `writes=[Model]`, and either mark methods with `@on(Event)` or define one `handle`.

    `@on(Event) async def name(self, e: Recorded[Event], views: Views)`: further parameters are injected by
    annotation. `async def handle(self, event: Recorded[A | B])`: one method for the events it names, for every
    event if it names none; a store given to `__init__` joins the running transaction as `views` does.

    `name=` defaults to the class name in snake_case; `key=` says what order must be kept by (a field of the
    data, or a function of the event; default the stream); `version=` is raised when what it writes changes;
    `key_ranges=` lets several workers share a partition; `commutative=True` promises that it only accumulates;
    `errors=` says what becomes of an event by class of error, `unknown=` of one whose type is not registered;
    `hidden=True` asks for integration events, too; `wants=` is a function of a stored event that says whether it is
    handled at all; `abstract=True` makes a base class. What a keyword leaves out, the base class declares.

    Raises BadDeclaration, BadSignature, DuplicateName or InvalidIdentifier at class creation.
    """

    declaration: ClassVar[Declaration | None] = None

    def removal_of(self, stream: str) -> Change | None:
        """What takes away all that a stream has written; None where rows may be fed by more than one stream."""
        return None

    def __init_subclass__(
        cls,
        *,
        writes: Iterable[type[ReadModel]] | None = None,
        name: str | None = None,
        key: KeyOf | None = None,
        version: int | None = None,
        key_ranges: int | None = None,
        commutative: bool | None = None,
        errors: ErrorPolicies | None = None,
        unknown: Unknown | None = None,
        hidden: bool | None = None,
        wants: Wants | None = None,
        abstract: bool = False,
    ) -> None:
        super().__init_subclass__()
        own_name = Identifier(name if name is not None else _HUMPS.sub("_", cls.__name__).lower())
        given = {
            "writes": None if writes is None else _models(cls, writes),
            "key": key,
            "version": version,
            "key_ranges": key_ranges,
            "commutative": commutative,
            "errors": errors,
            "unknown": unknown,
            "hidden": hidden,
            "wants": wants,
        }
        said = {name: value for name, value in given.items() if value is not None}
        base = cls.declaration or Declaration(name=own_name, writes=())
        cls.declaration = _checked(cls, msgspec.structs.replace(base, name=own_name, **said))
        if not abstract:
            _check_methods(cls)


def declaration_of(cls: type[ProjectionHandler]) -> Declaration:
    """What the class declares; BadDeclaration for the bare base class, and for what is no handler."""
    if not issubclass(cls, ProjectionHandler):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a checker
        raise BadDeclaration("projections= takes ProjectionHandler objects, as in projections=[Users()], no classes")
    if cls.declaration is None:
        raise BadDeclaration("ProjectionHandler itself handles nothing: derive from it")
    return cls.declaration


def _checked(cls: type, declared: Declaration) -> Declaration:
    for name, number in (("version", declared.version), ("key_ranges", declared.key_ranges)):
        if type(number) is not int or number < 1:
            raise BadDeclaration(f"{cls.__name__}: {name}= is a whole number from 1, got {number!r}")
    if declared.key_ranges > 1 and declared.key is None and not declared.commutative:
        raise BadDeclaration(
            f"{cls.__name__}: key_ranges={declared.key_ranges} needs a declared key=, or commutative=True: "
            "events of different keys are handled in any order"
        )
    if declared.unknown not in ("park", "ignore", "stop"):
        raise BadDeclaration(f"{cls.__name__}: unknown= is 'park', 'ignore' or 'stop', got {declared.unknown!r}")
    return declared


def _models(cls: type, writes: Iterable[object]) -> tuple[type[ReadModel], ...]:
    if isinstance(writes, type):
        raise BadDeclaration(f"{cls.__name__}: writes= takes a list of read models, as in writes=[{writes.__name__}]")
    models: list[type[ReadModel]] = []
    for model in writes:
        if not isinstance(model, type) or not issubclass(model, ReadModel):
            raise BadDeclaration(f"{cls.__name__}: writes= names {model!r}, which is no ReadModel class")
        models.append(model)
    return tuple(models)


def _check_methods(cls: type) -> None:
    marked = on_methods(cls)
    whole = [name for name in _WHOLE if callable(getattr(cls, name, None))]
    if marked and whole:
        raise BadDeclaration(f"{cls.__name__} has both @on methods and `{whole[0]}`: keep one style")
    if len(whole) > 1:
        raise BadDeclaration(f"{cls.__name__} has both `handle` and `handle_batch`: keep one")
    if not marked and not whole:
        raise BadDeclaration(f"{cls.__name__} handles nothing: mark methods with @on(Event), or define `handle`")
    for method in (*marked.values(), *(getattr(cls, name) for name in whole)):
        if not inspect.iscoroutinefunction(method):
            raise BadSignature(f"{cls.__name__}.{method.__name__} must be `async def`: a projection awaits it")
        if len(inspect.signature(method).parameters) < 2:
            raise BadSignature(f"{cls.__name__}.{method.__name__} must take the event: `async def name(self, e)`")
