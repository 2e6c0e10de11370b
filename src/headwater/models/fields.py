"""Field kinds: what a column holds, and its one meaning on every engine.

A value travels in two forms. The *value* is what the user sees (Decimal, datetime, UUID, a list). The *scalar*
is None, int, float, str or bytes, chosen so that scalars compare as their values do: a Decimal is a whole
number of its smallest unit, a datetime is microseconds since 1970, text compares by code point. Engines without
the richer types store scalars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

import msgspec

from headwater.errors import InvalidMessage
from headwater.models.shown import shown

__all__ = ["Field", "Kind", "Scalar", "Scale"]

Scalar: TypeAlias = int | float | str | bytes | None


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
    SET = "set"
    """Only in the output of a pipeline: sorted distinct values; the scalar is a JSON array of their scalars."""


class Scale(msgspec.Struct, frozen=True):
    """Digits after the point: `Annotated[Decimal, Scale(2)]`. More digits are refused, never rounded."""

    digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One declared field of a read model, or one column of a pipeline's output."""

    name: str
    kind: Kind
    type: object
    """The declared type without marks: an Enum, a Literal, or what a JSON field decodes to."""
    optional: bool = False
    scale: int = 0
    indexed: bool = False
    searchable: bool = False
    required: bool = True
    """False if the class gives a default."""
    items: Field | None = None
    """What a list field or a SET holds, where it is one scalar kind: its JSON array holds scalars of this field."""
    to_scalar: Callable[[object], Scalar] = field(init=False, repr=False, compare=False)
    """The scalar of a value; raises InvalidMessage if the value is not of this kind."""
    to_value: Callable[[Scalar], object] = field(init=False, repr=False, compare=False)
    """The value of a scalar this field made; raises DecodingError if the class has changed since."""

    def __post_init__(self) -> None:
        from headwater.models import scalars, values  # the conversions know Field

        object.__setattr__(self, "to_scalar", scalars.encoder(self))
        object.__setattr__(self, "to_value", values.decoder(self))

    def absent(self, value: object) -> Scalar:
        """The scalar of None where the field is optional; raises InvalidMessage for anything else."""
        if value is not None or not self.optional:
            raise self.unfit(value)
        return None

    def unfit(self, value: object) -> InvalidMessage:
        wanted = self.kind.value + (f" of {self.scale} digits after the point" if self.kind is Kind.DECIMAL else "")
        return InvalidMessage(f"field {self.name!r} takes {wanted}, got {shown(value)}")
