"""Accumulation: which fields can be added to, raised or lowered, and what they start from."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from headwater.models.fields import Field, Kind
from headwater.models.scalars import declared_enum

__all__ = ["ZEROS", "can_bound", "can_sum"]

ZEROS: Final[dict[Kind, object]] = {Kind.INTEGER: 0, Kind.REAL: 0.0, Kind.DECIMAL: Decimal(0)}
"""What a sum starts from."""

_BOUNDED: Final = ZEROS.keys() | {Kind.DATETIME, Kind.DATE, Kind.TEXT}


def can_sum(field: Field) -> bool:
    """True for numbers that cannot be null: nothing can be added to null."""
    return field.kind in ZEROS and not field.optional and declared_enum(field) is None


def can_bound(field: Field) -> bool:
    """True for values with a natural order; null takes the first bound."""
    return field.kind in _BOUNDED and declared_enum(field) is None
