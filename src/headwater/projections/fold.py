"""Fold: a projection whose rows each follow from their own key's events, one pure step at a time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import ClassVar, Generic, TypeAlias, TypeVar, cast, get_args, get_origin

import msgspec

from headwater.domain.event import Recorded, StoredEvent
from headwater.domain.identifier import Identifier
from headwater.domain.on import on_methods
from headwater.errors import BadDeclaration, BadSignature
from headwater.models.changes import Change, Delete
from headwater.models.fields import Kind
from headwater.models.model import ReadModel, schema_of
from headwater.projections.error_policy import ErrorPolicies
from headwater.projections.handler import ProjectionHandler, Unknown, Wants

__all__ = ["Fold", "FoldKey", "Folded", "Step"]

Row_co = TypeVar("Row_co", bound=ReadModel, covariant=True)

FoldKey: TypeAlias = "str | Callable[[Recorded[object]], object]"
"""A field of the event's data, or a function of the event; its value is the key of the row."""
Step: TypeAlias = "Callable[[object, ReadModel | None, Recorded[object]], ReadModel | None]"


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """What a Fold class says of itself beyond what every projection does."""

    model: type[ReadModel]
    key: FoldKey | None = None
    """None: the id of the stream."""
    category: str | None = None
    """Of the streams it follows; None: of any that have its events."""
    partition_by: str | None = None
    """The attribute by which aggregates co-locate the streams that one row joins."""
    wants: Wants | None = None
    """As declared: `category` is asked for beside it."""
    steps: Mapping[type, Step] = {}
    """By event class."""

    @property
    def by_stream(self) -> bool:
        """True if a row follows from one stream."""
        return self.key is None


class Fold(ProjectionHandler, Generic[Row_co], abstract=True):
    """Derive with the row's class, and write one step for each event: from the row as it is to the row as it will be.

    `class Balances(Fold[AccountView])`, with methods `@on(Deposited) def deposited(self, row: AccountView | None,
    e: Recorded[Deposited]) -> AccountView | None`: plain functions of their arguments, which are given None where
    there is no row, and return None for none to be left.

    The key of the row is the id of the event's stream, or what `key=` names: a field of the event's data, or a
    function of the event. `category=` keeps it to the streams of one category. A row that joins streams needs them in
    one partition: `partition_by=` names the attribute by which their aggregates are partitioned, and the field by
    which their events say so. Other keywords are those of ProjectionHandler.

    Raises BadDeclaration, BadSignature, DuplicateName or InvalidIdentifier at class creation.
    """

    _folded: ClassVar[Folded | None] = None

    def __init_subclass__(
        cls,
        *,
        key: FoldKey | None = None,
        category: str | None = None,
        partition_by: str | None = None,
        name: str | None = None,
        version: int | None = None,
        key_ranges: int | None = None,
        errors: ErrorPolicies | None = None,
        unknown: Unknown | None = None,
        hidden: bool | None = None,
        wants: Wants | None = None,
        abstract: bool = False,
    ) -> None:
        model = _row_class(cls)
        base = cls._folded or (None if model is None else Folded(model=model))
        cls._folded = folded = (
            None if base is None else _folded_of(base, cls, model, key, category, partition_by, wants)
        )
        super().__init_subclass__(
            writes=None if folded is None else [folded.model],
            name=name,
            key=None if key is None else _text_of(key),
            version=version,
            key_ranges=key_ranges,
            errors=errors,
            unknown=unknown,
            hidden=hidden,
            wants=wants if folded is None else _wants(folded),
            abstract=True,
        )
        if folded is not None:
            cls.category = folded.category
        if not abstract:
            _check(cls, cls.folded())

    category: str | None = None
    """Of the streams it follows, as declared, or as found at start-up; None: not known."""

    def removal_of(self, stream: str) -> Change | None:
        """The row of the stream, where a row has one."""
        folded = self.folded()
        category, _, id = stream.partition("-")
        return Delete(folded.model, id) if folded.by_stream and self.category == category else None

    @classmethod
    def folded(cls) -> Folded:
        """What the class declares; BadDeclaration for one without a row."""
        if cls._folded is None:
            raise BadDeclaration(f"{cls.__name__} does not say what it folds into: name its row, as in Fold[Row]")
        return cls._folded


def _folded_of(
    base: Folded,
    cls: type,
    model: type[ReadModel] | None,
    key: FoldKey | None,
    category: str | None,
    partition_by: str | None,
    wants: Wants | None,
) -> Folded:
    """What the keywords say, and where they leave something out the base class."""
    return Folded(
        model=model or base.model,
        key=key or base.key,
        category=base.category if category is None else str(Identifier(category)),
        partition_by=partition_by or base.partition_by,
        wants=wants or base.wants,
        steps=cast("Mapping[type, Step]", on_methods(cls)),
    )


def _row_class(cls: type) -> type[ReadModel] | None:
    """The argument of `Fold[...]`, or of a base class that passes it on; None where the class names none itself."""
    for base in vars(cls).get("__orig_bases__", ()):
        origin = get_origin(base)
        if not isinstance(origin, type) or not issubclass(origin, Fold):
            continue
        named = get_args(base)[0]
        if isinstance(named, type) and issubclass(named, ReadModel):
            return named
        if not isinstance(named, TypeVar):
            raise BadDeclaration(f"{cls.__name__}: Fold[{named!r}] names no ReadModel class declared above it")
    return None


def _text_of(key: FoldKey) -> str | Callable[[Recorded[object]], str]:
    """The key as what is parked is called by."""
    return key if isinstance(key, str) else lambda event: str(key(event))


def _wants(folded: Folded) -> Wants | None:
    if folded.category is None:
        return folded.wants
    start, wants = f"{folded.category}-", folded.wants

    def of_category(event: StoredEvent) -> bool:
        return event.stream.startswith(start) and (wants is None or wants(event))

    return of_category


def _check(cls: type[Fold[ReadModel]], folded: Folded) -> None:
    for whole in ("handle", "handle_batch"):
        if hasattr(cls, whole):
            raise BadDeclaration(f"{cls.__name__} has `{whole}`: a fold has one step for each event, marked @on(Event)")
    if not folded.steps:
        raise BadDeclaration(f"{cls.__name__} folds nothing: mark methods with @on(Event)")
    for step in folded.steps.values():
        _check_step(f"{cls.__name__}.{getattr(step, '__name__', step)}", step)
    schema = schema_of(folded.model)
    if folded.by_stream and schema.fields[schema.key].kind is not Kind.TEXT:
        raise BadDeclaration(
            f"{cls.__name__}: {folded.model.__name__}.{schema.key} is no text, as the id of a stream is: declare key="
        )
    if folded.by_stream and folded.partition_by is not None:
        raise BadDeclaration(f"{cls.__name__}: partition_by= is for rows that join streams: declare key=, or leave it")


def _check_step(name: str, step: Step) -> None:
    if inspect.iscoroutinefunction(step):
        raise BadSignature(f"{name} must be plain `def`: a fold cannot wait")
    if len(inspect.signature(step).parameters) != 3:
        raise BadSignature(f"{name} takes the row and the event: `def name(self, row, e)`, and nothing is injected")
