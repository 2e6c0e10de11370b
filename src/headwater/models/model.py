"""ReadModel: a declared row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast, dataclass_transform

import msgspec
from msgspec.structs import astuple

from headwater.domain.identifier import Identifier
from headwater.errors import BadDeclaration, InvalidCriteria, InvalidMessage
from headwater.models.accumulation import ZEROS, can_bound, can_sum
from headwater.models.criteria import Order
from headwater.models.declaration import Indexed, Key, Searchable, fields_of, key_of
from headwater.models.fields import Scalar
from headwater.models.ordering import OrderLike, bind_orders, parse_order
from headwater.models.shown import shown
from headwater.models.values import same

__all__ = ["Indexed", "Key", "ReadModel", "ReadModelMeta", "Schema", "Searchable", "schema_of"]

T = TypeVar("T")


class Declared(msgspec.Struct, frozen=True):
    """What the class keywords say."""

    table: Identifier
    orders: tuple[OrderLike, ...]


class Schema:
    """What a read model declares: its table, key, fields and orders, with rows to scalars and back."""

    __slots__ = (
        "_blanks",
        "_decoders",
        "_encode_key",
        "_encoders",
        "bounded",
        "fields",
        "key",
        "model",
        "names",
        "orders",
        "summed",
        "table",
    )

    def __init__(self, model: type[ReadModel], declared: Declared) -> None:
        self.model = model
        self.table = declared.table
        self.fields = fields_of(model)
        self.names = tuple(self.fields)
        self.key = key_of(model, self.fields)
        self.orders = tuple([self.order(order) for order in declared.orders])
        """Orders the engine keeps ready: composite indexes, each without the key that breaks its ties."""
        self._encoders = tuple(field.to_scalar for field in self.fields.values())
        self._encode_key = self.fields[self.key].to_scalar
        others = [field for name, field in self.fields.items() if name != self.key]
        self.summed = {field.name: field.to_scalar for field in others if can_sum(field)}
        """Checks of the fields that deltas can be added to, by name."""
        self.bounded = {field.name: field.to_scalar for field in others if can_bound(field)}
        """Checks of the fields that can be raised or lowered, by name."""
        self._blanks: dict[tuple[str, ...], dict[str, object]] = {}
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
        return self._encode_key(key)

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

    def blank(self, key: object, summed: tuple[str, ...]) -> ReadModel:
        """A row of declared defaults, and 0 for required fields in `summed`; InvalidMessage if others are required."""
        self._encode_key(key)
        values = self._blanks.get(summed)
        if values is None:
            values = self._blanks[summed] = self._zeros(summed)
        return self.model(**{self.key: key, **values})

    def _zeros(self, summed: tuple[str, ...]) -> dict[str, object]:
        zeros: dict[str, object] = {}
        for name, field in self.fields.items():
            if field.required and name != self.key:
                if name not in summed:
                    raise InvalidMessage(f"a new {self.model.__name__} needs {name!r}: declare a default to accumulate")
                zeros[name] = ZEROS[field.kind]
        return zeros


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
        try:
            cls = super().__new__(mcls, cls_name, bases, namespace, **struct_options)  # type: ignore[arg-type]
        except TypeError as error:
            raise BadDeclaration(f"{cls_name} cannot be declared so: {error}") from error
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
