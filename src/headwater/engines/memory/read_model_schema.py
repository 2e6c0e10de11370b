"""ReadModelSchema: tables in memory, which live as long as their process and so never differ from their classes."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.engines.memory.rows import Rows
from headwater.engines.memory.state import Part
from headwater.models.criteria import Order
from headwater.models.model import ReadModel

__all__ = ["MemoryReadModelSchema"]


class MemoryReadModelSchema(Part):
    @property
    def _rows(self) -> Rows:
        return self._state.rows

    async def ensure(self, models: Sequence[type[ReadModel]]) -> None:
        self._rows.make(models)

    async def index(self, model: type[ReadModel], orders: Sequence[tuple[Order, ...]]) -> None:
        self._rows.index(model, orders)
