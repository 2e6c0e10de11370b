"""ReadModelSchema: tables for declared read models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from headwater.models.criteria import Order
from headwater.models.model import ReadModel

__all__ = ["ReadModelSchema"]


class ReadModelSchema(Protocol):
    """Creates what read models need.

    Law: `ensure` is idempotent and safe while other processes run. A new field with a default is added in place;
    any other difference between class and table raises StoreMismatch and changes nothing: such a table is made
    anew by `ProjectionStore.reset`.
    """

    async def ensure(self, models: Sequence[type[ReadModel]]) -> None:
        """Tables for these models, with indexes for the key, `Indexed` fields and declared orders."""
        ...

    async def index(self, model: type[ReadModel], orders: Sequence[tuple[Order, ...]]) -> None:
        """Indexes for these orders beside the declared ones; idempotent, and kept by `ensure` and `reset`."""
        ...
