"""Products: the read model that the suites of the read side are written in, with a field of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from headwater.models.changes import Insert
from headwater.models.criteria_parsing import parse_criteria
from headwater.models.fields import Scale
from headwater.models.model import Indexed, Key, ReadModel, Searchable
from headwater.models.ordering import OrderLike, parse_order
from headwater.models.pipeline_parsing import parse_pipeline
from headwater.models.selection import Selection
from headwater.ports.engine import Engine

__all__ = ["Product", "aggregate", "find_ids", "store"]


class Product(ReadModel, table="conformance_product", orders=[("kind", "-price")]):
    id: Key[str]
    kind: Indexed[str | None] = None
    price: Annotated[Decimal, Scale(2)] = Decimal(0)
    stock: int | None = None
    weight: float | None = None
    listed: bool = False
    seen: datetime | None = None
    made: date | None = None
    maker: UUID | None = None
    mark: bytes | None = None
    tags: list[str] = []  # noqa: RUF012  # copied for each row
    sizes: list[int] | None = None
    name: Searchable[str] = ""
    note: Indexed[Searchable[str | None]] = None


async def store(engine: Engine, *rows: Product) -> None:
    """The table, with these rows in it."""
    await engine.read_model_schema.ensure([Product])
    await engine.projections.write([Insert(row) for row in rows])


async def find_ids(
    engine: Engine, criteria: object = None, order: OrderLike = (), limit: int | None = None, skip: int = 0
) -> list[str]:
    """The keys of the rows found, in their order."""
    selection = Selection(
        criteria=parse_criteria(criteria),  # type: ignore[arg-type]  # the suites hand in wrong ones too
        order=parse_order(order),
        limit=limit,
        skip=skip,
    )
    return [row.id for row in await engine.read_models.find(Product, selection)]


async def aggregate(engine: Engine, *stages: dict[str, object]) -> Sequence[object]:
    """What a pipeline makes of the products."""
    return await engine.read_models.aggregate(Product, parse_pipeline(stages))
