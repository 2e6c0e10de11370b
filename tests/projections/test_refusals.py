"""Law 7 over several partitions, the other half: one list of what is refused, because rebuilt would not equal live."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from headwater.domain.aggregate import Aggregate
from headwater.domain.event import Recorded
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.engines.memory import MemoryEngine
from headwater.errors import BadDeclaration, HeadwaterError, ProjectionOutdated, RebuildRefused, ResetRefused
from headwater.manager import CQRSManager
from headwater.models.model import Key, ReadModel
from headwater.ports.engine import EngineOptions
from headwater.projections.batch import BatchProjectionHandler
from headwater.projections.fold import Fold
from headwater.projections.handler import ProjectionHandler
from headwater.projections.lifecycle import inline, live
from headwater.read_models.views import Views

PARTITIONS = 4


class Sold(Event, name="RefusalsSold"):
    shop: str
    units: int


class Till(Aggregate, category="till"):
    @on(Sold)
    def sold(self, e: Sold) -> None:
        pass


class Sales(ReadModel, table="refusals_sales"):
    id: Key[str]
    units: int = 0


class ByShop(Fold[Sales], key="shop", name="sales"):
    """Joins tills, which lie in any partition."""

    @on(Sold)
    def sold(self, row: Sales | None, e: Recorded[Sold]) -> Sales:
        return Sales(id=e.data.shop, units=(row.units if row else 0) * 2 + e.data.units)


class SideBySide(BatchProjectionHandler, writes=[Sales], name="sales"):
    """Any order, and says no key."""

    def __init__(self) -> None:
        super().__init__(parallelism=4)

    @on(Sold)
    async def sold(self, e: Recorded[Sold], views: Views) -> None:
        await views.insert(Sales(id=e.data.shop, units=e.data.units))


class Summing(ProjectionHandler, writes=[Sales], name="sales", commutative=True):
    """All tills feed one row."""

    @on(Sold)
    async def sold(self, e: Recorded[Sold], views: Views) -> None:
        await views.add(Sales, e.data.shop, units=e.data.units)


class Overwriting(ProjectionHandler, writes=[Sales], name="sales", commutative=True):
    """Says that it commutes, and does not."""

    @on(Sold)
    async def sold(self, e: Recorded[Sold], views: Views) -> None:
        await views.insert(Sales(id=e.data.shop, units=e.data.units))


class Ranged(Summing, name="sales", key="shop", key_ranges=4):
    pass


class Second(Summing, name="sales", version=2):
    pass


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine(PARTITIONS, EngineOptions())


def application(engine: MemoryEngine, handler: ProjectionHandler) -> CQRSManager:
    cqrs = CQRSManager(engine, projections=[handler])
    cqrs.repository(Till)
    return cqrs


async def starting(engine: MemoryEngine, *handlers: Callable[[], ProjectionHandler]) -> None:
    """One release after the other."""
    for handler in handlers:
        async with application(engine, handler()) as cqrs:
            await cqrs.synchronizer.caught_up()


async def resetting(engine: MemoryEngine, stream: str | None = None, partition: int | None = None) -> None:
    async with application(engine, Summing()) as cqrs:
        tills = cqrs.repository(Till)
        for number in range(12):
            await tills.save(Till.new(str(number), Sold(shop="a", units=number)))
        await cqrs.synchronizer.caught_up()
        await cqrs.synchronizer.reset(Summing, stream=stream, partition=partition)


async def rebuilding_from(engine: MemoryEngine, event: int) -> None:
    async with application(engine, Summing()) as cqrs:
        await cqrs.synchronizer.rebuild_read_model(Sales, from_event=event)


REFUSED: dict[str, tuple[Callable[[MemoryEngine], Awaitable[None]], type[HeadwaterError], str]] = {
    "a fold that joins streams of several partitions": (
        lambda engine: starting(engine, ByShop),
        BadDeclaration,
        "partition_by=",
    ),
    "keys side by side, none declared": (lambda engine: starting(engine, SideBySide), BadDeclaration, "key="),
    "key ranges in the append": (lambda engine: starting(engine, lambda: inline(Ranged())), BadDeclaration, "inline"),
    "a row of several streams on demand": (
        lambda engine: starting(engine, lambda: live(ByShop())),
        BadDeclaration,
        "live",
    ),
    "other key ranges in one version": (
        lambda engine: starting(engine, Summing, Ranged),
        BadDeclaration,
        "raise version=",
    ),
    "a version that goes down": (
        lambda engine: starting(engine, Second, Summing),
        ProjectionOutdated,
        "deploy the later one",
    ),
    "a stream of shared rows": (
        lambda engine: resetting(engine, stream="till-1"),
        ResetRefused,
        "more than one stream",
    ),
    "a partition of shared rows": (lambda engine: resetting(engine, partition=1), ResetRefused, "more than one stream"),
    "one offset of several partitions": (lambda engine: rebuilding_from(engine, 5), RebuildRefused, "from_event=0"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_it_is_refused_and_says_what_to_do(engine: MemoryEngine, case: str) -> None:
    attempt, error, what_to_do = REFUSED[case]
    with pytest.raises(error, match=what_to_do):
        await attempt(engine)


async def test_a_change_that_does_not_commute_parks_its_event(engine: MemoryEngine) -> None:
    """It is known only when it is made."""
    async with application(engine, Overwriting()) as cqrs:
        await cqrs.repository(Till).save(Till.new("1", Sold(shop="a", units=1)))
        await cqrs.synchronizer.caught_up()
        (parked,) = await cqrs.synchronizer.dead_letters.list()
        assert parked.error is not None
        assert parked.error.startswith("NotCommutative")


async def test_what_commutes_is_the_same_rebuilt(engine: MemoryEngine) -> None:
    """Beside the refusals, that the promise holds on the same log."""
    async with application(engine, Summing()) as cqrs:
        tills = cqrs.repository(Till)
        for number in range(20):
            await tills.save(Till.new(str(number), Sold(shop="ab"[number % 2], units=number)))
        await cqrs.synchronizer.caught_up()
        assert len([n for n in range(PARTITIONS) if await engine.log.head(n)]) > 1
        before = await cqrs.read_models.find(Sales)
        await cqrs.synchronizer.rebuild_read_model(Sales)
        assert await cqrs.read_models.find(Sales) == before
