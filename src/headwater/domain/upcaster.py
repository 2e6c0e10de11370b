"""Upcasters: old shapes of an event, brought to today's by pure functions when they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

__all__ = ["Shape", "Upcast", "Upcaster"]


class Shape(msgspec.Struct, frozen=True):
    """An event between two schema versions: type name, schema and plain JSON fields."""

    type: str
    schema: int
    fields: dict[str, object]


Upcast: TypeAlias = Callable[[dict[str, object]], "dict[str, object] | Sequence[Shape] | None"]
"""Fields in; out: the fields of the next schema, or several shapes, or None to drop the event."""


class Upcaster(msgspec.Struct, frozen=True):
    """Leads from schema `schema` of event type `type` to the next.

    `up` is pure and returns the fields of schema + 1; a list of shapes (1 to n), each of a later schema or of
    another type; or None, which drops the event.
    """

    type: str
    schema: int
    up: Upcast
