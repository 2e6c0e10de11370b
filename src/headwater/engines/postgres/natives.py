"""Natives: each kind of field in the type that PostgreSQL has for it, so that any tool can read it.

A parameter is made of a scalar. Lists of plain values are `jsonb`, which an index serves; all other JSON is `json`,
which gives back what was written: `jsonb` knows no NUL in text, no -0.0, and no 1e22 but as a whole number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, cast
from uuid import UUID

import msgspec

from headwater.engines.sql import columns
from headwater.models.fields import Field, Kind, Scalar

__all__ = ["Decode", "Native", "decoder", "is_plain_list", "native_of", "parameters", "scalar_type", "sent"]

Decode: TypeAlias = Callable[[object], object]

_BARE_TYPES: Final[frozenset[object]] = frozenset({str, int})
_AS_THEY_COME: Final = frozenset({Kind.REAL, Kind.BYTES, Kind.BOOLEAN, Kind.DATETIME, Kind.DATE, Kind.DECIMAL})
_CODE_POINTS: Final = ' COLLATE "C"'


class Native(msgspec.Struct, frozen=True):
    """A column's type, the type its parameters are sent in, and SQL from the one to the other and to scalars."""

    column: str
    sent: str
    received: str = "{}"
    """From what was sent to a value of the column."""
    scalar: str = "{}"
    """From a value of the column to its scalar."""


def native_of(field: Field) -> Native:
    """What a field is in its table."""
    if field.kind is Kind.DECIMAL:
        unit = f"1e-{field.scale}"
        return Native(
            f"numeric(19, {field.scale})", "bigint", f"({{}} * {unit})", f"({{}} * {10**field.scale})::bigint"
        )
    if field.kind is Kind.JSON:
        type = "jsonb" if is_plain_list(field) else "json"
        return Native(type, type, scalar="{}::text")
    return _NATIVES[field.kind]


def is_plain_list(field: Field) -> bool:
    """True for a list that `jsonb` gives back as it was: of anything but floats."""
    return field.items is not None and field.items.kind is not Kind.REAL


def scalar_type(kind: Kind) -> str:
    """The SQL type of a kind's scalars."""
    return _SCALAR_TYPES.get(kind, "text")


def parameters(field: Field, column: Sequence[object]) -> Sequence[object]:
    """Values of one field as they are sent; raises InvalidMessage for one that does not fit it."""
    if field.kind is Kind.BOOLEAN and set(map(type, column)) == {bool}:
        return column
    return sent(field, columns.scalars(field, column))


def sent(field: Field, scalars: Sequence[Scalar]) -> Sequence[object]:
    """Scalars of one field as they are sent."""
    return list(map(field.to_value, scalars)) if field.kind is Kind.BOOLEAN else scalars


def decoder(field: Field) -> Decode | None:
    """From what the driver gives for a column to the value; None where it is the value."""
    if field.kind in _AS_THEY_COME or (field.kind in {Kind.TEXT, Kind.INTEGER} and field.type in _BARE_TYPES):
        return None
    return _uuid if field.kind is Kind.UUID else cast("Decode", field.to_value)


def _uuid(value: object) -> object:
    """The driver has a class of its own."""
    return None if value is None else UUID(int=cast("UUID", value).int)


_MOMENT: Final = (
    "((timestamp '1970-01-01' + {0} / 86400000000 * interval '1 day'"
    " + {0} % 86400000000 * interval '1 microsecond') AT TIME ZONE 'UTC')"
)
"""A time from its microseconds; days apart, since an interval is multiplied by a float."""
_NATIVES: Final = {
    Kind.TEXT: Native(f"text{_CODE_POINTS}", "text"),
    Kind.INTEGER: Native("bigint", "bigint"),
    Kind.REAL: Native("double precision", "double precision"),
    Kind.BOOLEAN: Native("boolean", "boolean", scalar="{}::integer::bigint"),
    # The driver would send the first and the last moment, and day, as -infinity and infinity.
    Kind.DATETIME: Native("timestamptz", "bigint", _MOMENT, "(extract(epoch FROM {}) * 1000000)::bigint"),
    Kind.DATE: Native("date", "text", "{}::date", f"to_char({{}}, 'YYYY-MM-DD'){_CODE_POINTS}"),
    Kind.UUID: Native("uuid", "uuid", scalar=f"{{}}::text{_CODE_POINTS}"),
    Kind.BYTES: Native("bytea", "bytea"),
}
_SCALAR_TYPES: Final = {
    Kind.INTEGER: "bigint",
    Kind.BOOLEAN: "bigint",
    Kind.DECIMAL: "bigint",
    Kind.DATETIME: "bigint",
    Kind.REAL: "double precision",
    Kind.BYTES: "bytea",
}
