"""Checks of a whole application, as its owner would declare them."""

from __future__ import annotations

import pytest

from headwater.commands.repository import Repository
from headwater.consistency.checks.built_in import built_in_checks
from headwater.consistency.checks.check import CheckResult
from headwater.consistency.manager import ConsistencyManager
from headwater.domain.aggregate import Aggregate
from headwater.domain.messages import Command
from headwater.domain.on import on
from headwater.engines.memory import MemoryEngine
from headwater.errors import UnknownName
from headwater.handling.routing import handles
from headwater.manager import CQRSManager
from headwater.models.changes import Update
from headwater.ports.engine import Engine, EngineOptions
from headwater.read_models.views import Views
from headwater.testing.clock import ManualClock
from tests.projections.shop import Added, Stock, StockView


class Item(Aggregate, category="item"):
    @on(Added)
    def added(self, e: Added) -> None:
        pass


class Add(Command[None]):
    id: str
    units: int


@handles(Add)
async def add(c: Add, items: Repository[Item]) -> None:
    item = await items.get_by_id(c.id)
    if item is None:
        item = Item.new(c.id, Added(units=c.units), unique=[("sku", c.id)])
    else:
        item.emit(Added(units=c.units))
    await items.save(item)


async def test_a_damaged_read_model_is_found_rebuilt_and_told(engine: Engine, clock: ManualClock) -> None:
    asked: list[CheckResult] = []

    async def counts_agree(items: Repository[Item], views: Views) -> bool:
        return await items.count() == await views.count(StockView)

    async def rebuild(result: CheckResult) -> None:
        asked.append(result)
        await cqrs.synchronizer.rebuild_read_model(StockView)

    async with CQRSManager(engine, handlers=[add], projections=[Stock()], clock=clock) as cqrs:
        for number in range(6):
            await cqrs.commands.execute(Add(id=f"i{number % 3}", units=number), wait_for=[Stock])
        checks = built_in_checks(cqrs, repairs={"rows_stock": rebuild})
        seeds = {"name": "user_count_consistency", "check": counts_agree}
        manager = ConsistencyManager(cqrs, consistency_checks=[seeds, *checks])
        assert {result.name: result.outcome for result in await manager.run_checks()} == dict.fromkeys(
            ["user_count_consistency", "stream_heads", "checkpoints", "unique_keys", "rows_stock"], "ok"
        )
        await engine.projections.write([Update(StockView, "item-i1", {"units": 99})])
        assert [result.outcome for result in await manager.run_checks()] == ["ok"] * 4 + ["inconsistent"]
        clock.advance(6)
        (mended,) = await manager.run_checks(["rows_stock"])
        assert (mended.outcome, [result.lasted for result in asked]) == ("repaired", [6.0])
        row = await cqrs.read_models.typed().get(StockView, "item-i1")
        assert row is not None
        assert row.units == 1 + 4


async def test_names_of_built_in_checks_are_looked_at(clock: ManualClock) -> None:
    async def repair() -> None:
        pass

    cqrs = CQRSManager(MemoryEngine(1, EngineOptions(clock=clock)), projections=[Stock()])
    assert [check.name for check in built_in_checks(cqrs, without=["rows_stock", "checkpoints"])] == [
        "stream_heads",
        "unique_keys",
    ]
    with pytest.raises(UnknownName, match="rows_stock"):
        built_in_checks(cqrs, without=["rows_stok"])
    with pytest.raises(UnknownName):
        built_in_checks(cqrs, repairs={"rows": repair})
