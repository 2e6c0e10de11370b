"""Declaration: what the annotations of a read model say, field by field."""

from __future__ import annotations

import types
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from headwater.domain.identifier import Identifier
from headwater.errors import BadDeclaration
from headwater.models.fields import Field, Kind, Scale
from headwater.models.scalars import declared_enum

__all__ = ["Indexed", "Key", "Searchable", "fields_of", "key_of"]

T = TypeVar("T")


class _Mark(Enum):
    KEY = "key"
    INDEXED = "indexed"
    SEARCHABLE = "searchable"


Key = Annotated[T, _Mark.KEY]
"""The field that tells rows apart; every read model has exactly one."""
Indexed = Annotated[T, _Mark.INDEXED]
"""A field that criteria and orders may use cheaply."""
Searchable = Annotated[T, _Mark.SEARCHABLE]
"""A text field that `search` looks into."""

_KINDS: dict[object, Kind] = {
    str: Kind.TEXT,
    int: Kind.INTEGER,
    float: Kind.REAL,
    bool: Kind.BOOLEAN,
    Decimal: Kind.DECIMAL,
    datetime: Kind.DATETIME,
    date: Kind.DATE,
    UUID: Kind.UUID,
    bytes: Kind.BYTES,
}
_LISTS = frozenset({list, tuple, set, frozenset})
_ITEM_KINDS = frozenset({Kind.TEXT, Kind.INTEGER, Kind.REAL, Kind.BOOLEAN, Kind.UUID, Kind.DATE})
_KEY_KINDS = frozenset({Kind.TEXT, Kind.INTEGER, Kind.UUID, Kind.DATE, Kind.DATETIME})


_ASKED: Final = frozenset({"cursor", "limit", "order_by", "skip"})
"""Keywords of `find` and `page` that say which of the rows found, in which order: not a field's, for equality."""


def fields_of(model: type[msgspec.Struct]) -> dict[str, Field]:
    """The declared fields in order; raises BadDeclaration for one that cannot be kept."""
    hints = get_type_hints(model, include_extras=True)
    required = {f.name: f.required for f in msgspec.structs.fields(model)}
    return {name: _field(model, Identifier(name), hints[name], required[name]) for name in model.__struct_fields__}


def _field(model: type, name: str, hint: object, required: bool) -> Field:
    if name in _ASKED:
        raise BadDeclaration(
            f"{model.__name__}.{name}: `find({name}=...)` and `page` would take it for their own: "
            f"choose another name, as in `item_{name}`"
        )
    marks, declared = _unwrap(hint)
    inner, optional = _without_none(declared)
    more, inner = _unwrap(inner)
    marks += more
    kind = _kind(inner)
    scales = [mark.digits for mark in marks if isinstance(mark, Scale)]
    if kind is Kind.DECIMAL and (len(scales) != 1 or not 0 <= scales[0] <= 15):
        raise BadDeclaration(
            f"{model.__name__}.{name}: a Decimal says how many digits follow the point: Annotated[Decimal, Scale(2)]"
        )
    if _Mark.SEARCHABLE in marks and kind is not Kind.TEXT:
        raise BadDeclaration(f"{model.__name__}.{name}: only text can be Searchable")
    return Field(
        name=name,
        kind=kind,
        type=inner,
        optional=optional,
        scale=scales[0] if scales else 0,
        indexed=_Mark.INDEXED in marks,
        searchable=_Mark.SEARCHABLE in marks,
        required=required,
        items=_items(name, inner),
    )


def _items(name: str, hint: object) -> Field | None:
    """What a list of plain values holds; None for anything else, and where JSON differs from the scalar."""
    if get_origin(hint) not in _LISTS:
        return None
    item, optional = _without_none(_unwrap(get_args(hint)[0])[1])
    kind = _kind(item)
    return Field(name=name, kind=kind, type=item, optional=optional) if kind in _ITEM_KINDS else None


def _unwrap(hint: object) -> tuple[list[object], object]:
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        return list(marks), inner
    return [], hint


def _without_none(hint: object) -> tuple[object, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
        if len(members) == 1 and len(get_args(hint)) == 2:
            return members[0], True
    return hint, False


def _kind(hint: object) -> Kind:
    if hint in _KINDS:
        return _KINDS[hint]
    samples: list[object] = []
    if isinstance(hint, type) and issubclass(hint, Enum):
        samples = [member.value for member in hint]
    elif get_origin(hint) is Literal:
        samples = list(get_args(hint))
    if samples and all(type(sample) is str for sample in samples):
        return Kind.TEXT
    if samples and all(type(sample) is int for sample in samples):
        return Kind.INTEGER
    return Kind.JSON


def key_of(model: type, fields: dict[str, Field]) -> str:
    """The one field marked Key; raises BadDeclaration for none, several, or one of another kind."""
    hints = get_type_hints(model, include_extras=True)
    keys = [name for name in fields if _Mark.KEY in _unwrap(hints[name])[0]]
    if len(keys) != 1:
        raise BadDeclaration(f"{model.__name__} needs exactly one key field, as in `id: Key[str]`; it has {keys}")
    field = fields[keys[0]]
    if field.kind not in _KEY_KINDS or field.optional:
        raise BadDeclaration(f"{model.__name__}.{field.name}: a key is text, an int, a UUID, a date or a datetime")
    if declared_enum(field) is not None and not issubclass(cast("type", field.type), str | int):
        raise BadDeclaration(f"{model.__name__}.{field.name}: a key that is an Enum is a StrEnum or an IntEnum")
    return keys[0]
