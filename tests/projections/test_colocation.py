"""Where a fold may join streams, and where it is refused."""

from __future__ import annotations

from typing import cast

import pytest

from headwater.domain.aggregate import Aggregate
from headwater.domain.decider import Decider
from headwater.domain.event import Recorded
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.engines.memory import MemoryEngine
from headwater.errors import BadDeclaration
from headwater.manager import CQRSManager
from headwater.models.model import Key, ReadModel
from headwater.projections.fold import Fold
from tests.projections.accounts import FAST, write_as


class Sold(Event, name="ColocatedSold"):
    shop: str
    units: int


class Returned(Event, name="ColocatedReturned"):
    shop: str


class Counted(Event, name="ColocatedCounted"):
    units: int


class ShopView(ReadModel, table="colocated_shop"):
    shop: Key[str]
    units: int = 0


class OfShop(Fold[ShopView], abstract=True):
    @on(Sold)
    def sold(self, row: ShopView | None, e: Recorded[Sold]) -> ShopView | None:
        return ShopView(shop=e.data.shop, units=(row.units if row else 0) + e.data.units)


class ByShop(OfShop, key="shop"):
    pass


class ByShopDeclared(OfShop, key="shop", partition_by="shop"):
    pass


class ByFunction(OfShop, key=lambda e: cast("Sold", e.data).shop):
    pass


class ByFunctionDeclared(OfShop, key=lambda e: cast("Sold", e.data).shop, partition_by="shop"):
    pass


class Till(Aggregate, category="till"):
    @on(Sold)
    def sold(self, e: Sold) -> None: ...


class ShopTill(Aggregate, category="shop_till", partition_by="shop"):
    shop: str = ""

    @on(Sold)
    def sold(self, e: Sold) -> None:
        self.shop = e.shop


async def opened(partitions: int, fold: Fold[ShopView], *aggregates: type[Aggregate]) -> None:
    cqrs = CQRSManager(MemoryEngine(partitions), projections=[fold])
    for aggregate in aggregates:
        cqrs.repository(aggregate)
    async with cqrs:
        pass


@pytest.mark.parametrize(
    ("fold", "aggregates", "said"),
    [
        (ByShop(), [], "nothing here says who writes Sold"),
        (ByShop(), [Till], "declare partition_by='shop' on Till"),
        (ByShop(), [ShopTill, Till], "declare partition_by='shop' on Till"),
        (ByShopDeclared(), [Till], "declare partition_by='shop' on Till"),
        (ByFunction(), [ShopTill], "declare partition_by= on it and on the aggregates"),
        (ByFunctionDeclared(), [Till], "declare partition_by='shop' on Till"),
    ],
)
async def test_a_fold_that_may_join_what_lies_apart_is_refused(
    fold: Fold[ShopView], aggregates: list[type[Aggregate]], said: str
) -> None:
    with pytest.raises(BadDeclaration, match=said) as refused:
        await opened(4, fold, *aggregates)
    assert type(fold).__name__ in str(refused.value)
    await opened(1, fold, *aggregates)  # one partition has no other


@pytest.mark.parametrize("fold", [ByShop(), ByShopDeclared(), ByFunctionDeclared()])
async def test_streams_that_are_kept_together_may_be_joined(fold: Fold[ShopView]) -> None:
    await opened(4, fold, ShopTill)


async def test_a_decider_does_not_keep_its_streams_together() -> None:
    class Sell(Event):
        shop: str

    decider = Decider(
        category="till",
        commands=(Sell,),
        events=(Sold,),
        stream_id=lambda command: command.shop,
        initial=lambda: 0,
        decide=lambda command, state: [],
        evolve=lambda state, event: state,
    )
    cqrs = CQRSManager(MemoryEngine(4), projections=[ByShop()], handlers=[decider])
    with pytest.raises(BadDeclaration, match="declare partition_by='shop' on a decider of 'till'"):
        await cqrs.initialize()


async def test_an_event_without_the_field_cannot_be_checked() -> None:
    class Counting(OfShop, key="shop", partition_by="shop"):
        @on(Counted)
        def counted(self, row: ShopView | None, e: Recorded[Counted]) -> ShopView | None:
            return row

    with pytest.raises(BadDeclaration, match="Counted has no field 'shop'"):
        await opened(4, Counting())


async def test_ids_of_several_categories_are_not_one_key() -> None:
    class ByStream(OfShop):
        pass

    class OfTills(ByStream, category="till"):
        pass

    with pytest.raises(BadDeclaration, match="of the categories shop_till, till: declare category="):
        await opened(4, ByStream(), Till, ShopTill)
    with pytest.raises(BadDeclaration, match="declare category= on it"):
        await opened(4, ByStream())
    await opened(4, ByStream(), Till)
    await opened(4, OfTills(), Till, ShopTill)


async def test_a_key_found_in_two_partitions_is_parked() -> None:
    async with CQRSManager(MemoryEngine(4), projections=[ByShopDeclared()], runner=FAST) as cqrs:
        home = cqrs.engine.log.partition_of("oslo")
        away = next(n for n in range(100) if cqrs.engine.log.partition_of(f"till-{n}") != home)
        await write_as(cqrs, "till-x", "oslo", Sold(shop="oslo", units=2))
        await write_as(cqrs, f"till-{away}", None, Sold(shop="oslo", units=3))
        await cqrs.synchronizer.caught_up()
        assert await cqrs.read_models.find(ShopView) == [ShopView(shop="oslo", units=2)]
        [letter] = await cqrs.synchronizer.dead_letters.list()
        assert "key 'oslo' is found in two partitions" in (letter.error or "")
        assert "declare partition_by='shop'" in (letter.error or "")
