"""Scalars: for each kind of field, the function from values to scalars.

Closures without a look-up in the way: every row written passes through them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import Enum
from typing import Final, Literal, TypeAlias, cast, get_args, get_origin
from uuid import UUID

import msgspec

from headwater.domain.codec import check_nesting
from headwater.errors import BadDeclaration
from headwater.models.fields import Field, Kind, Scalar

__all__ = ["declared_enum", "encoder", "json_decoder"]

Encode: TypeAlias = Callable[[object], Scalar]

_INT64_MAX: Final = 2**63 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)
_DEPTH: Final = 64
_EXACT: Final = Context(prec=60, traps=[Inexact, InvalidOperation])
"""Not the thread's context: a program that lowers its precision must not change stored sums."""
_JSON: Final = msgspec.json.Encoder(order="deterministic")


def encoder(field: Field) -> Encode:
    """The function from values of a field to scalars."""
    choices = _choices(field)
    return _choice_encoder(field, choices) if choices else _ENCODERS[field.kind](field)


def _text(field: Field) -> Encode:
    def encode(value: object) -> Scalar:
        if type(value) is not str:
            if not isinstance(value, str):
                return field.absent(value)
            value = str.__str__(cast("str", value.value if isinstance(value, Enum) else value))
        if "\0" in value or (not value.isascii() and _has_surrogate(value)):
            raise field.unfit(value)  # no engine but ours would take both
        return value

    return encode


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _integer(field: Field) -> Encode:
    def encode(value: object) -> Scalar:
        if type(value) is int and -_INT64_MAX - 1 <= value <= _INT64_MAX:
            return value
        if isinstance(value, int) and isinstance(value, Enum):
            return encode(value.value)
        return field.absent(value)

    return encode


def _real(field: Field) -> Encode:
    def encode(value: object) -> Scalar:
        if type(value) is float and math.isfinite(value):
            return value + 0.0  # -0.0 becomes 0.0: not every engine keeps its sign
        if type(value) is int and abs(value) <= 2**53:
            return float(value)
        return field.absent(value)

    return encode


def _boolean(field: Field) -> Encode:
    def encode(value: object) -> Scalar:
        return int(value) if type(value) is bool else field.absent(value)

    return encode


def _decimal(field: Field) -> Encode:
    scaleb, scale = _EXACT.scaleb, field.scale

    def encode(value: object) -> Scalar:
        if type(value) is int:
            units = value * 10**scale if abs(value) <= _INT64_MAX else _INT64_MAX + 1
        elif type(value) is not Decimal:
            return field.absent(value)
        elif not value.is_finite() or (value and not -30 <= value.adjusted() <= 30):
            raise field.unfit(value)
        else:
            units = exact(value) if value else 0
        if not -_INT64_MAX - 1 <= units <= _INT64_MAX:
            raise field.unfit(value)
        return units

    def exact(value: Decimal) -> int:
        try:
            scaled = scaleb(value, scale)
        except Inexact:
            raise field.unfit(value) from None
        units = int(scaled)
        if units != scaled:
            raise field.unfit(value)
        return units

    return encode


def _datetime(field: Field) -> Encode:
    def encode(value: object) -> Scalar:
        if not isinstance(value, datetime):
            return field.absent(value)
        if value.tzinfo is not UTC and (value.utcoffset() is None or not _FIRST <= value <= _LAST):
            raise field.unfit(value)
        since = value - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

    return encode


def _date(field: Field) -> Encode:
    def encode(value: object) -> Scalar:
        return value.isoformat() if type(value) is date else field.absent(value)

    return encode


def _uuid(field: Field) -> Encode:
    def encode(value: object) -> Scalar:
        return str(value) if isinstance(value, UUID) else field.absent(value)

    return encode


def _bytes(field: Field) -> Encode:
    def encode(value: object) -> Scalar:
        return value if type(value) is bytes else field.absent(value)

    return encode


def _json(field: Field) -> Encode:
    items, decode = field.items, json_decoder(field)

    def encode(value: object) -> Scalar:
        if value is None:
            return field.absent(value)
        check_nesting(value, _DEPTH, f"field {field.name!r}")
        try:
            data = _JSON.encode(value)
            decode(data)  # what could not be read back is refused now
        except (TypeError, ValueError, OverflowError, RecursionError):
            raise field.unfit(value) from None
        if items is not None:
            for item in cast("Iterable[object]", value):
                items.to_scalar(item)
        return data.decode()

    return encode


def _set(field: Field) -> Encode:
    def encode(value: object) -> Scalar:
        raise field.unfit(value)  # only pipelines make sets, from scalars

    return encode


def _choice_encoder(field: Field, choices: frozenset[object]) -> Encode:
    def encode(value: object) -> Scalar:
        plain = value.value if isinstance(value, Enum) else value
        if type(plain) in {str, int} and plain in choices:
            return cast("Scalar", plain)
        return field.absent(value)

    return encode


def _choices(field: Field) -> frozenset[object]:
    """The stored values of an Enum or Literal; empty for other types."""
    if field.kind not in {Kind.TEXT, Kind.INTEGER}:
        return frozenset()
    declared = declared_enum(field)
    if declared is not None:
        return frozenset(member.value for member in declared)
    return frozenset(get_args(field.type)) if get_origin(field.type) is Literal else frozenset()


_ENCODERS: dict[Kind, Callable[[Field], Encode]] = {
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
    Kind.SET: _set,
}


def declared_enum(field: Field) -> type[Enum] | None:
    declared = field.type
    plain = field.kind in {Kind.TEXT, Kind.INTEGER}
    return declared if plain and isinstance(declared, type) and issubclass(declared, Enum) else None


def json_decoder(field: Field) -> Callable[[str | bytes], object]:
    try:
        return msgspec.json.Decoder(cast("type[object]", field.type)).decode
    except (TypeError, NameError) as error:
        raise BadDeclaration(f"field {field.name!r} cannot be kept as JSON: {error}") from error
