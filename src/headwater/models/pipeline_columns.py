"""Columns: what kind of field each accumulator of a group gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from headwater.errors import InvalidCriteria
from headwater.models.fields import Field, Kind
from headwater.models.shown import shown

__all__ = ["integer_field", "renamed", "total_field"]

_AVERAGE_DIGITS: Final = 4


def renamed(field: Field, name: str) -> Field:
    return replace(field, name=name, indexed=False, searchable=False)


def integer_field(name: str) -> Field:
    return Field(name=name, kind=Kind.INTEGER, type=int)


def total_field(name: str, operator: str, source: Field) -> Field:
    """The column a total gives; raises InvalidCriteria for a kind the operator does not take."""
    numeric = source.kind in {Kind.INTEGER, Kind.REAL, Kind.DECIMAL}
    if operator == "$sum" and numeric:
        return replace(renamed(source, name), optional=False, type=_PLAIN_TYPES.get(source.kind, source.type))
    if operator == "$avg" and source.kind is Kind.DECIMAL:
        return replace(renamed(source, name), optional=True, scale=source.scale + _AVERAGE_DIGITS)
    if operator == "$avg" and numeric:
        return Field(name=name, kind=Kind.REAL, type=float, optional=True)
    if operator in {"$min", "$max"} and source.kind not in {Kind.JSON, Kind.SET}:
        return replace(renamed(source, name), optional=True)
    if operator == "$addToSet" and source.kind not in {Kind.JSON, Kind.SET, Kind.BYTES}:
        return Field(name=name, kind=Kind.SET, type=list, items=replace(renamed(source, name), optional=False))
    raise InvalidCriteria(f"{shown(operator)} does not take {source.name!r}, which holds {source.kind.value}")


_PLAIN_TYPES: Final[dict[Kind, object]] = {Kind.INTEGER: int, Kind.REAL: float}
