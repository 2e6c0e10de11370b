"""RowHashes: rows as served against what their events make of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from headwater.consistency.checks import rows
from headwater.consistency.checks.rows import RowHashes
from headwater.models.changes import Change, Delete, Insert, Update
from headwater.models.model import ReadModel
from headwater.ports.read_models import ReadModels, Selection
from headwater.projections.handler import ProjectionHandler
from tests.consistency.checking import Application, found
from tests.consistency.ledger import (
    BySku,
    Counted,
    Folded,
    Grand,
    LastSale,
    Many,
    Shelf,
    ShelfView,
    Sku,
    SkuView,
    Sold,
    SomeShelves,
    Total,
)
from tests.projections.shop import Added, Noted, Shop, Stock, StockView

SHELVES = 12
SKUS = ("apple", "beet", "corn")

Shape = tuple[type[ProjectionHandler], type[ReadModel], int]
SHAPES: list[Shape] = [
    (Shelf, ShelfView, SHELVES),
    (Many, ShelfView, SHELVES),
    (Folded, ShelfView, SHELVES),
    (BySku, SkuView, len(SKUS)),
]


async def filled(shop: Shop, *handlers: ProjectionHandler) -> Application:
    """Twelve shelves that have sold of three kinds, twice each, all projected."""
    shop.registry.register(Sold)
    for turn in (1, 2):
        for number in range(SHELVES):
            sku = SKUS[number % len(SKUS)]
            await shop.append(f"shelf-{number}", Sold(sku=sku, units=number + turn), Noted())
    application = Application(shop, *handlers)
    await application.caught_up()
    return application


def name_of(handler: type[ProjectionHandler]) -> str:
    assert handler.declaration is not None
    return handler.declaration.name


async def write(shop: Shop, *changes: Change) -> None:
    await shop.engine.projections.write(changes)


@pytest.mark.parametrize("sample", [1, 5, 10_000])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape[0].__name__)
async def test_rows_that_follow_from_their_events_pass(shop: Shop, shape: Shape, sample: int) -> None:
    handler, _, rows = shape
    application = await filled(shop, handler())
    result = await application.built_in(f"rows_{name_of(handler)}", sample=sample)
    assert (result.outcome, found(result), list(result.passed_over)) == ("ok", [], [])
    assert result.looked_at == rows


@pytest.mark.parametrize("sample", [1, 5, 10_000])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape[0].__name__)
async def test_rows_that_were_changed_lost_or_made_up_are_found(shop: Shop, shape: Shape, sample: int) -> None:
    handler, model, _ = shape
    application = await filled(shop, handler())
    keys = SKUS if model is SkuView else ("1", "2")
    made_up = SkuView(sku="ghost") if model is SkuView else ShelfView(id="ghost")
    await write(shop, Update(model, keys[0], {"units": 4711}), Delete(model, keys[1]), Insert(made_up))
    name = name_of(handler)
    result = await application.built_in(f"rows_{name}", sample=sample)
    table = "ledger_skus" if model is SkuView else "ledger_shelves"
    assert set(found(result)) == {
        (f"{name}: {table} {keys[0]}", "this row differs from what its events make"),
        (f"{name}: {table} {keys[1]}", "this row is missing"),
        (f"{name}: {table} ghost", "no event makes this row"),
    }
    assert (result.found, list(result.passed_over)) == (3, [])


@pytest.mark.parametrize("sample", [1, 10_000])
async def test_rows_by_the_whole_stream_are_checked_too(shop: Shop, sample: int) -> None:
    for number in range(4):
        await shop.append(f"item-{number}", Added(units=number), Added(units=1))
    application = Application(shop, Stock())
    await application.caught_up()
    assert (await application.built_in("rows_stock", sample=sample)).looked_at == 4
    await write(shop, Update(StockView, "item-2", {"events": 3}))
    assert found(await application.built_in("rows_stock", sample=sample)) == [
        ("stock: shop_stock item-2", "this row differs from what its events make")
    ]


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
async def test_a_fold_that_joins_streams_is_checked_by_its_key(shop: Shop) -> None:
    application = await filled(shop, Sku())
    assert (await application.built_in("rows_sku")).looked_at == len(SKUS)
    await write(shop, Update(SkuView, "beet", {"units": 0}))
    ((where, _),) = found(await application.built_in("rows_sku"))
    assert where == "sku: ledger_skus beet"


async def test_events_beyond_the_checkpoint_are_left_for_later(shop: Shop) -> None:
    application = await filled(shop, Shelf())
    await shop.append("shelf-1", Sold(sku="apple", units=100))
    await shop.append("shelf-new", Sold(sku="apple", units=100))
    assert (await application.built_in("rows_shelf")).outcome == "ok"
    await application.caught_up()
    result = await application.built_in("rows_shelf")
    assert (result.outcome, result.looked_at) == ("ok", SHELVES + 1)


async def test_rows_of_a_projection_that_has_had_no_event_are_found(shop: Shop) -> None:
    application = await filled(shop, Stock())
    await write(shop, Insert(StockView(id="ghost")))
    assert found(await application.built_in("rows_stock")) == [("stock: shop_stock ghost", "no event makes this row")]


async def test_keys_with_parked_events_are_left_out(shop: Shop) -> None:
    stock = Stock()
    stock.poison = {13}
    for number in range(3):
        await shop.append(f"item-{number}", Added(units=1), Added(units=13 if number == 1 else 2), Added(units=3))
    application = Application(shop, stock)
    await application.caught_up()
    stock.poison = set()
    assert (await application.built_in("rows_stock")).outcome == "ok"
    await write(shop, Delete(StockView, "item-1"), Delete(StockView, "item-2"))
    ((where, _),) = found(await application.built_in("rows_stock"))
    assert where == "stock: shop_stock item-2"


async def test_an_event_that_was_discarded_is_passed_by(shop: Shop) -> None:
    stock = Stock()
    stock.poison = {13}
    await shop.append("item-1", Added(units=1), Added(units=13), Added(units=2))
    application = Application(shop, stock)
    await application.caught_up()
    for parked in await shop.engine.parking.parked("stock"):
        if parked.error is not None:
            await application.synchronizer.dead_letters.discard(Stock, parked.offset, parked.partition)
    await application.caught_up()
    assert await shop.stock() == {"item-1": 3}
    assert (await application.built_in("rows_stock")).outcome == "ok"


@pytest.mark.parametrize("sample", [1, 10_000])
@pytest.mark.parametrize(
    ("handler", "why"), [(Grand, "writes Total all"), (Counted, "counts rows of StockView")], ids=["writes", "reads"]
)
async def test_what_no_sample_can_make_anew_is_passed_over_and_told(
    shop: Shop, handler: type[ProjectionHandler], why: str, sample: int
) -> None:
    application = await filled(shop, handler())
    await write(shop, Insert(Total(id="all", units=-1)) if handler is Grand else Delete(ShelfView, "1"))
    result = await application.built_in(f"rows_{name_of(handler)}", sample=sample)
    assert (result.outcome, result.looked_at) == ("ok", 0)
    (told,) = result.passed_over
    assert why in told
    assert "compare whole generations" in told


class Moving:
    """Generations whose rows go on while they are read: events come and are handled before each page."""

    def __init__(self, shop: Shop, application: Application) -> None:
        self._shop = shop
        self._application = application

    def __getattr__(self, name: str) -> object:
        return getattr(self._shop.engine.generations, name)

    def rows(self, projection: str, number: int, models: Sequence[type[ReadModel]]) -> object:
        return _MovingRows(
            self._shop, self._application, self._shop.engine.generations.rows(projection, number, models)
        )


class _MovingRows:
    def __init__(self, shop: Shop, application: Application, rows: ReadModels) -> None:
        self._shop = shop
        self._application = application
        self._rows = rows

    def __getattr__(self, name: str) -> object:
        return getattr(self._rows, name)

    async def find(self, model: type[Any], selection: Selection) -> Sequence[Any]:
        await self._shop.append("shelf-1", Sold(sku="apple", units=1))
        await self._application.caught_up()
        return await self._rows.find(model, selection)


async def test_rows_that_change_while_they_are_read_are_no_inconsistency(shop: Shop) -> None:
    application = await filled(shop, Shelf())
    parts = shop.fresh_parts(generations=Moving(shop, application))
    projection = application.synchronizer.projections["shelf"]
    part = await RowHashes(parts, projection).part("")
    assert (list(part.found), part.looked_at) == ([], SHELVES - 1)
    assert "changed meanwhile" in part.passed_over[0]


async def test_rows_are_read_in_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_PAGE", 5)
    application = await filled(shop, Shelf())
    result = await application.built_in("rows_shelf")
    assert (result.outcome, result.looked_at) == ("ok", SHELVES)


async def test_a_key_joined_from_several_partitions_is_left_out_where_the_order_counts(shop: Shop) -> None:
    application = await filled(shop, LastSale())
    await write(shop, Update(SkuView, "beet", {"units": -1}))
    result = await application.built_in("rows_last_sale")
    if shop.engine.log.partitions == 1:
        assert (result.found, list(result.passed_over)) == (1, [])
    else:
        assert result.found == 0
        assert "several partitions" in result.passed_over[0]


async def test_events_that_are_not_wanted_are_passed_by(shop: Shop) -> None:
    application = await filled(shop, SomeShelves())
    result = await application.built_in("rows_some_shelves")
    assert (result.outcome, result.looked_at) == ("ok", SHELVES - 1)
