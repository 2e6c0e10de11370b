"""ReadModel: a declared row."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal, TypeVar, Union, cast, dataclass_transform, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from headwater.domain.identifier import Identifier
from headwater.errors import BadDeclaration, InvalidCriteria, InvalidMessage
from headwater.models.criteria import Order
from headwater.models.fields import Field, Kind, Scalar, Scale
from headwater.models.ordering import OrderLike, bind_orders, parse_order
from headwater.models.scalars import declared_enum
from headwater.models.shown import shown
from headwater.models.values import same

__all__ = ["Indexed", "Key", "ReadModel", "ReadModelMeta", "Schema", "Searchable", "schema_of"]

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


class Declared(msgspec.Struct, frozen=True):
    """What the class keywords say."""

    table: Identifier
    orders: tuple[OrderLike, ...]


class Schema:
    """What a read model declares: its table, key, fields and orders, with rows to scalars and back."""

    __slots__ = ("_decoders", "_encoders", "fields", "key", "model", "names", "orders", "table")

    def __init__(self, model: type[ReadModel], declared: Declared) -> None:
        self.model = model
        self.table = declared.table
        self.fields = _fields(model)
        self.names = tuple(self.fields)
        self.key = _key(model, self.fields)
        self.orders = tuple([self.order(order) for order in declared.orders])
        """Orders the engine keeps ready: composite indexes, each without the key that breaks its ties."""
        self._encoders = tuple(field.to_scalar for field in self.fields.values())
        decoders = [field.to_value for field in self.fields.values()]
        self._decoders = tuple([(place, decode) for place, decode in enumerate(decoders) if decode is not same])

    def order(self, order: OrderLike) -> tuple[Order, ...]:
        """An order over these fields, checked; raises BadDeclaration."""
        try:
            parsed = parse_order(order)
            bind_orders(parsed, self.fields, self.key)
        except InvalidCriteria as error:
            raise BadDeclaration(f"{self.model.__name__} cannot be ordered so: {error}") from None
        if not parsed:
            raise BadDeclaration(f"{self.model.__name__} declares an empty order: name its fields")
        return parsed

    def check(self, row: ReadModel) -> None:
        """Raises InvalidMessage for a value that does not fit."""
        for encode, value in zip(self._encoders, astuple(row), strict=False):
            encode(value)

    def to_scalars(self, row: ReadModel) -> tuple[Scalar, ...]:
        """The row's scalars in field order; raises InvalidMessage for a value that does not fit."""
        return tuple([encode(value) for encode, value in zip(self._encoders, astuple(row), strict=False)])

    def to_row(self, scalars: tuple[Scalar, ...]) -> ReadModel:
        """The row of scalars in field order."""
        values: list[object] = list(scalars)
        for place, decode in self._decoders:
            values[place] = decode(scalars[place])
        return self.model(**dict(zip(self.names, values, strict=True)))

    def key_scalar(self, key: object) -> Scalar:
        """The scalar of a key; raises InvalidMessage if it is of another kind."""
        return self.fields[self.key].to_scalar(key)

    def searchable(self, names: Sequence[str]) -> tuple[str, ...]:
        """These fields, or all Searchable ones for none; raises InvalidCriteria for a field that is not Searchable."""
        known = [name for name, field in self.fields.items() if field.searchable]
        for name in names:
            if name not in known:
                raise InvalidCriteria(f"{shown(name)} is no Searchable field of {self.model.__name__}: {known} are")
        if not known:
            raise InvalidCriteria(f"{self.model.__name__} has no Searchable field: declare one to search it")
        return tuple(names) or tuple(known)

    def key_of(self, row: ReadModel) -> object:
        return getattr(row, self.key)

    def check_fields(self, values: Mapping[str, object], allow_key: bool = False) -> dict[str, object]:
        """Field values by name, each checked; raises InvalidMessage for an unknown field, a misfit, or the key."""
        for name, value in values.items():
            field = self.fields.get(name)
            if field is None:
                known = ", ".join(self.names)
                raise InvalidMessage(f"{self.model.__name__} has no field {shown(name)}: it has {known}")
            if name == self.key and not allow_key:
                raise InvalidMessage(f"{name!r} is the key of {self.model.__name__} and cannot change: insert another")
            field.to_scalar(value)
        return dict(values)

    def row(self, values: Mapping[str, object]) -> ReadModel:
        """A row from field values; raises InvalidMessage for a missing, unknown or misfitting field."""
        self.check_fields(values, allow_key=True)
        for name, field in self.fields.items():
            if field.required and name not in values:
                raise InvalidMessage(f"a new {self.model.__name__} needs {name!r}: give it, or declare a default")
        return self.model(**values)


class ReadModelMeta(msgspec.StructMeta):
    """Adds the class keywords `table` and `orders` to a msgspec Struct."""

    __schema__: Schema | Declared

    def __new__(
        mcls,
        cls_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, object],
        *,
        table: str | None = None,
        orders: Sequence[OrderLike] = (),
        **struct_options: object,
    ) -> ReadModelMeta:
        struct_options.setdefault("kw_only", True)
        cls = super().__new__(mcls, cls_name, bases, namespace, **struct_options)  # type: ignore[arg-type]
        if any(isinstance(base, ReadModelMeta) for base in bases):
            cls.__schema__ = Declared(Identifier(_default_table(cls_name) if table is None else table), tuple(orders))
            _declare(cast("type[ReadModel]", cls))
        return cls


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class ReadModel(msgspec.Struct, metaclass=ReadModelMeta, frozen=True, kw_only=True):
    """A row of a read model: `class UserView(ReadModel, table="user_read_model")`, one field marked `Key`.

    Without `table=` the table is the class name in snake_case. `orders=["-created_at", ("status", "-created_at")]`
    names orders that engines keep ready, each a field or several. Raises BadDeclaration at class creation.
    """


def schema_of(model: type[ReadModel]) -> Schema:
    """The schema of a read-model class; raises BadDeclaration if the class cannot be a read model."""
    schema = model.__schema__
    if isinstance(schema, Schema):
        return schema
    made = model.__schema__ = Schema(model, schema)
    return made


def _declare(model: type[ReadModel]) -> None:
    try:
        schema_of(model)
    except NameError:
        return  # a type that is declared further down: looked at again when first used


def _default_table(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def _fields(model: type[ReadModel]) -> dict[str, Field]:
    hints = get_type_hints(model, include_extras=True)
    required = {f.name: f.required for f in msgspec.structs.fields(model)}
    return {name: _field(model, Identifier(name), hints[name], required[name]) for name in model.__struct_fields__}


def _field(model: type, name: str, hint: object, required: bool) -> Field:
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


def _key(model: type, fields: dict[str, Field]) -> str:
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
