"""Selection: which rows of a model, in which order, how many; and its bound form."""

from __future__ import annotations

import msgspec

from headwater.models.binding import BoundCriteria, bind
from headwater.models.criteria import All, Criteria, Order
from headwater.models.model import Schema
from headwater.models.ordering import BoundOrder, bind_orders, check_rows

__all__ = ["BoundSelection", "Selection", "bind_selection"]


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows, in which order, how many."""

    criteria: Criteria = All()
    order: tuple[Order, ...] = ()
    """Ties, and an empty order, are broken by the key, ascending."""
    limit: int | None = None
    skip: int = 0


class BoundSelection(msgspec.Struct, frozen=True, kw_only=True):
    """A selection checked against a model; the key is in the order."""

    criteria: BoundCriteria
    order: tuple[BoundOrder, ...]
    limit: int | None
    skip: int


def bind_selection(selection: Selection, schema: Schema) -> BoundSelection:
    """Checked against the model's fields; raises InvalidCriteria, LimitExceeded."""
    return BoundSelection(
        criteria=bind(selection.criteria, schema.fields),
        order=bind_orders(selection.order, schema.fields, schema.key),
        limit=None if selection.limit is None else check_rows(selection.limit, "the limit"),
        skip=check_rows(selection.skip, "the skip"),
    )
