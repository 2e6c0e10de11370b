"""Field kinds: what a column holds, and its one meaning on every engine.

A value travels in two forms. The *value* is what the user sees (Decimal, datetime, UUID, a list). The *scalar*
is None, int, float, str or bytes, chosen so that scalars compare as their values do: a Decimal is a whole
number of its smallest unit, a datetime is microseconds since 1970, text compares by code point. Engines without
the richer types store scalars.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import TypeAlias, cast
from uuid import UUID

import msgspec

from headwater.domain.codec import check_nesting
from headwater.domain.metadata import from_micros, to_micros
from headwater.errors import InvalidInput, InvalidMessage

__all__ = ["Field", "Kind", "Scalar", "Scale"]

Scalar: TypeAlias = int | float | str | bytes | None

_INT64 = range(-(2**63), 2**63)
_POWERS: list[int] = [10**digits for digits in range(16)]


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    DATETIME = "datetime"
    DATE = "date"
    UUID = "uuid"
    BYTES = "bytes"
    JSON = "json"


class Scale(msgspec.Struct, frozen=True):
    """Digits after the point: `Annotated[Decimal, Scale(2)]`. More digits are refused, never rounded."""

    digits: int


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One declared field of a read model."""

    name: str
    kind: Kind
    type: object
    """The declared type without marks, for decoding JSON fields."""
    optional: bool = False
    scale: int = 0
    indexed: bool = False
    searchable: bool = False
    required: bool = True
    """False if the class gives a default."""

    def to_scalar(self, value: object) -> Scalar:
        """The scalar of a value; raises InvalidMessage if the value is not of this kind."""
        if value is None:
            if self.optional:
                return None
            raise self._unfit(value)
        return _TO_SCALAR[self.kind](self, value)

    def to_value(self, scalar: Scalar) -> object:
        """The value of a scalar this field made."""
        if scalar is None:
            return None
        from_scalar = _TO_VALUE.get(self.kind)
        return scalar if from_scalar is None else from_scalar(self, scalar)

    def _unfit(self, value: object) -> InvalidMessage:
        wanted = self.kind.value + (f" of {self.scale} digits after the point" if self.kind is Kind.DECIMAL else "")
        return InvalidMessage(f"field {self.name!r} takes {wanted}, got {ascii(value)[:80]}")


def _text(field: Field, value: object) -> Scalar:
    if isinstance(value, Enum):
        value = value.value
    if not isinstance(value, str):
        raise field._unfit(value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise field._unfit(value) from None
    return value


def _integer(field: Field, value: object) -> Scalar:
    if isinstance(value, Enum):
        value = value.value
    if type(value) is not int or value not in _INT64:
        raise field._unfit(value)
    return value


def _real(field: Field, value: object) -> Scalar:
    if type(value) is int and abs(value) <= 2**53:
        return float(value)
    if type(value) is not float or not math.isfinite(value):
        raise field._unfit(value)
    return value


def _boolean(field: Field, value: object) -> Scalar:
    if type(value) is not bool:
        raise field._unfit(value)
    return int(value)


def _decimal(field: Field, value: object) -> Scalar:
    if type(value) is int:
        value = Decimal(value)
    if type(value) is not Decimal or not value.is_finite():
        raise field._unfit(value)
    if value and not -30 <= value.adjusted() <= 30:
        raise field._unfit(value)
    numerator, denominator = value.as_integer_ratio()
    units, rest = divmod(numerator * _POWERS[field.scale], denominator)
    if rest or units not in _INT64:
        raise field._unfit(value)
    return units


def _datetime(field: Field, value: object) -> Scalar:
    if not isinstance(value, datetime):
        raise field._unfit(value)
    try:
        return to_micros(value)
    except InvalidInput as error:
        raise InvalidMessage(f"field {field.name!r}: {error}") from None


def _date(field: Field, value: object) -> Scalar:
    if type(value) is not date:
        raise field._unfit(value)
    return value.isoformat()


def _uuid(field: Field, value: object) -> Scalar:
    if not isinstance(value, UUID):
        raise field._unfit(value)
    return str(value)


def _bytes(field: Field, value: object) -> Scalar:
    if not isinstance(value, bytes):
        raise field._unfit(value)
    return value


def _json(field: Field, value: object) -> Scalar:
    check_nesting(value, 64, f"field {field.name!r}")
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise field._unfit(value) from None


_TO_SCALAR: dict[Kind, Callable[[Field, object], Scalar]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.REAL: _real,
    Kind.BOOLEAN: _boolean,
    Kind.DECIMAL: _decimal,
    Kind.DATETIME: _datetime,
    Kind.DATE: _date,
    Kind.UUID: _uuid,
    Kind.BYTES: _bytes,
    Kind.JSON: _json,
}


def _plain(field: Field, scalar: Scalar) -> object:
    """Text and integers that an Enum or Literal declares."""
    return field.type(scalar) if isinstance(field.type, type) and issubclass(field.type, Enum) else scalar


_TO_VALUE: dict[Kind, Callable[[Field, Scalar], object]] = {
    Kind.TEXT: _plain,
    Kind.INTEGER: _plain,
    Kind.BOOLEAN: lambda _, scalar: bool(scalar),
    Kind.DECIMAL: lambda field, scalar: Decimal(cast("int", scalar)).scaleb(-field.scale),
    Kind.DATETIME: lambda _, scalar: from_micros(cast("int", scalar)),
    Kind.DATE: lambda _, scalar: date.fromisoformat(cast("str", scalar)),
    Kind.UUID: lambda _, scalar: UUID(cast("str", scalar)),
    Kind.JSON: lambda field, scalar: msgspec.json.decode(cast("str", scalar), type=field.type),
}
