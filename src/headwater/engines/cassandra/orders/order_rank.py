"""Ranks: where a row stands in an order, as bytes that compare as the order does.

A null is smaller than every value, text goes by code point, and what is descending has every bit turned round. The key
comes last, so no two rows have one rank.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, cast

from headwater.models.fields import Field, Kind, Scalar
from headwater.models.ordering import BoundOrder

__all__ = ["END", "behind", "behind_nulls", "nulls_from", "part_of", "rank_of"]

END: Final = b"\xff"
"""Behind every rank, and behind all that begin alike where it is put behind these."""
_NULL: Final = b"\x01"
_THERE: Final = b"\x02"
_TURNED: Final = bytes(range(255, -1, -1))
_SIGN: Final = 1 << 63
_WHOLE_NUMBERS: Final = {Kind.INTEGER, Kind.DECIMAL, Kind.DATETIME, Kind.BOOLEAN}


def rank_of(orders: Sequence[BoundOrder], scalars: Sequence[Scalar]) -> bytes:
    """Of a row that has these scalars in the ordered fields."""
    return b"".join([part_of(order, scalar) for order, scalar in zip(orders, scalars, strict=True)])


def part_of(order: BoundOrder, scalar: Scalar) -> bytes:
    """What one field has in the rank: nothing that is smaller begins with what another one has."""
    part = _NULL if scalar is None else _THERE + _value(order.field, scalar)
    return part.translate(_TURNED) if order.descending else part


def behind(start: bytes) -> bytes:
    """The first bytes behind every rank that begins so."""
    return start + END


def behind_nulls(order: BoundOrder, start: bytes) -> bytes:
    """Where values begin, behind what the fields before this one have: nulls stand before them, unless descending."""
    return start if order.descending else start + _THERE


def nulls_from(order: BoundOrder, start: bytes) -> bytes:
    """Where values end."""
    return start + _NULL.translate(_TURNED) if order.descending else behind(start)


def _value(field: Field, scalar: Scalar) -> bytes:
    if field.kind in _WHOLE_NUMBERS:
        return struct.pack(">Q", cast("int", scalar) + _SIGN)
    if field.kind is Kind.REAL:
        return _real(cast("float", scalar))
    bytes_of = scalar if isinstance(scalar, bytes) else cast("str", scalar).encode()
    return bytes_of.replace(b"\0", b"\0\xff") + b"\0"


def _real(number: float) -> bytes:
    [bits] = struct.unpack(">Q", struct.pack(">d", number + 0.0))  # -0.0 is 0.0
    return struct.pack(">Q", bits ^ (2 * _SIGN - 1) if bits & _SIGN else bits | _SIGN)
