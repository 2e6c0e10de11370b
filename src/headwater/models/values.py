"""Values: for each kind of field, the function from scalars back to values.

Closures without a look-up in the way: every row read passes through them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import Enum
from typing import Final, TypeAlias, cast
from uuid import UUID

import msgspec

from headwater.errors import DecodingError
from headwater.models.fields import Field, Kind, Scalar
from headwater.models.scalars import declared_enum, json_decoder

__all__ = ["decoder", "same"]

Decode: TypeAlias = Callable[[Scalar], object]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT: Final = Context(prec=60, traps=[Inexact, InvalidOperation])


def decoder(field: Field) -> Decode:
    """The function from scalars of a field to values."""
    declared = declared_enum(field)
    if declared is not None:
        return _enum_decoder(field, declared)
    make = _DECODERS.get(field.kind)
    return same if make is None else make(field)


def same(scalar: Scalar) -> object:
    """The value of a scalar that is one already."""
    return scalar


def _enum_decoder(field: Field, declared: type[Enum]) -> Decode:
    members: dict[Scalar, object] = {None: None}
    members.update({member.value: member for member in declared})

    def decode(scalar: Scalar) -> object:
        try:
            return members[scalar]
        except KeyError:
            raise DecodingError(f"field {field.name!r} holds {scalar!r}, no {declared.__name__}: rebuild it") from None

    return decode


def _decimal_decoder(field: Field) -> Decode:
    scaleb, shift = _EXACT.scaleb, -field.scale

    def decode(scalar: Scalar) -> object:
        return None if scalar is None else scaleb(Decimal(cast("int", scalar)), shift)

    return decode


def _json_value(field: Field) -> Decode:
    read = json_decoder(field)

    def decode(scalar: Scalar) -> object:
        try:
            return None if scalar is None else read(cast("str", scalar))
        except msgspec.DecodeError as error:
            raise DecodingError(f"field {field.name!r} no longer fits its class ({error}): rebuild it") from error

    return decode


def _set_decoder(field: Field) -> Decode:
    of_item = field.items.to_value if field.items is not None else same

    def decode(scalar: Scalar) -> object:
        return [of_item(item) for item in msgspec.json.decode(cast("str", scalar), type=list[int | float | str | None])]

    return decode


def _from_micros(scalar: Scalar) -> object:
    return None if scalar is None else _EPOCH + timedelta(microseconds=cast("int", scalar))


_DECODERS: dict[Kind, Callable[[Field], Decode]] = {
    Kind.BOOLEAN: lambda _: lambda scalar: None if scalar is None else bool(scalar),
    Kind.DECIMAL: _decimal_decoder,
    Kind.DATETIME: lambda _: _from_micros,
    Kind.DATE: lambda _: lambda scalar: None if scalar is None else date.fromisoformat(cast("str", scalar)),
    Kind.UUID: lambda _: lambda scalar: None if scalar is None else UUID(cast("str", scalar)),
    Kind.JSON: _json_value,
    Kind.SET: _set_decoder,
}
