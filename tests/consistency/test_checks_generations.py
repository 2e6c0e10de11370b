"""Generations compared row by row, however many rows there are."""

from __future__ import annotations

import pytest

from headwater.consistency.checks.generations import differences
from headwater.models.changes import Delete, Insert, Update
from headwater.ports.read_models import ReadModels
from tests.consistency.checking import Application
from tests.projections.shop import Added, Shop, Stock, StockView


async def rebuilt(shop: Shop) -> tuple[ReadModels, ReadModels]:
    """The rows served before and after a rebuild."""
    for number in range(7):
        await shop.append(f"item-{number}", Added(units=number))
    application = Application(shop, Stock())
    await application.caught_up()
    await application.synchronizer.rebuild_read_model(Stock)
    generations = {one.state: one.number for one in await shop.engine.generations.all("stock")}
    old, new = (
        shop.engine.generations.rows("stock", generations[state], [StockView]) for state in ("previous", "serving")
    )
    return old, new


async def told(old: ReadModels, new: ReadModels, page: int) -> list[tuple[str, str]]:
    return [(one.where, one.what) async for one in differences(old, new, [StockView], page)]


@pytest.mark.parametrize("page", [1, 3, 1_000])
async def test_a_rebuilt_generation_equals_the_one_before(shop: Shop, page: int) -> None:
    old, new = await rebuilt(shop)
    assert await told(old, new, page) == []


@pytest.mark.parametrize("page", [1, 3, 1_000])
async def test_every_row_that_differs_is_told_once(shop: Shop, page: int) -> None:
    old, new = await rebuilt(shop)
    await shop.engine.projections.write(
        [
            Delete(StockView, "item-0"),
            Update(StockView, "item-3", {"units": -1}),
            Insert(StockView(id="item-35")),
            Insert(StockView(id="item-9")),
        ]
    )
    assert await told(old, new, page) == [
        ("shop_stock item-0", "only the old generation has this row"),
        ("shop_stock item-3", "this row differs between the generations"),
        ("shop_stock item-35", "only the new generation has this row"),
        ("shop_stock item-9", "only the new generation has this row"),
    ]
    assert len(await told(new, old, page)) == 4
