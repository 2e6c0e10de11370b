"""Checks that an application declares: known to it, to its schedule, and to whoever opens it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from headwater.consistency.checks.check import ConsistencyCheck, Inconsistency
from headwater.consistency.declared import Consistency
from headwater.consistency.manager import ConsistencyManager
from headwater.errors import ConfigurationError, DuplicateName, UnknownName
from headwater.manager import CQRSManager
from headwater.models.changes import Insert
from headwater.ports.engine import Engine
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from headwater.testing.clock import ManualClock
from tests.consistency.checking import Rounds
from tests.projections.shop import Stock, StockView

pytestmark = pytest.mark.above_engines

BUILT_IN = ["stream_heads", "checkpoints", "unique_keys", "rows_stock"]


async def nothing_negative(views: Views) -> list[Inconsistency]:
    return [Inconsistency("below zero", row.id) for row in await views.find(StockView) if row.units < 0]


NOTHING_NEGATIVE = ConsistencyCheck(name="nothing_negative", check=nothing_negative, projections=[Stock])


class Looked:
    """A check that tells that it was looked at."""

    def __init__(self) -> None:
        self.once = asyncio.Event()

    async def check(self) -> bool:
        self.once.set()
        return True

    def declared(self) -> ConsistencyCheck:
        return ConsistencyCheck(name="looked", check=self.check)


@pytest.fixture
def application(engine: Engine, clock: ManualClock) -> Callable[..., CQRSManager]:
    def made(consistency: Consistency | Sequence[ConsistencyCheck], run_projections: bool = True) -> CQRSManager:
        return CQRSManager(
            engine, projections=[Stock()], clock=clock, consistency=consistency, run_projections=run_projections
        )

    return made


Made = Callable[..., CQRSManager]


async def test_an_applications_checks_stand_before_the_built_in_ones(application: Made) -> None:
    async with application([NOTHING_NEGATIVE]) as cqrs:
        assert list(cqrs.consistency.checks) == ["nothing_negative", *BUILT_IN]
        assert {result.outcome for result in await cqrs.consistency.run_checks()} == {"ok"}
        await cqrs.engine.projections.write([Insert(StockView(id="item-1", units=-1))])
        (result,) = await cqrs.consistency.run_checks(["nothing_negative"])
        assert [(one.what, one.where) for one in result.inconsistencies] == [("below zero", "item-1")]


async def test_a_projection_registered_late_has_its_check(engine: Engine) -> None:
    cqrs = CQRSManager(engine, consistency=[NOTHING_NEGATIVE])
    cqrs.register(Stock())
    async with cqrs:
        assert list(cqrs.consistency.checks) == ["nothing_negative", *BUILT_IN]


async def test_what_a_built_in_check_finds_is_repaired_by_what_is_injected(
    application: Made, clock: ManualClock
) -> None:
    async def rebuild(synchronizer: ReadModelSynchronizer) -> None:
        await synchronizer.rebuild_read_model(StockView)

    declared = Consistency(repairs={"rows_stock": rebuild}, without=["unique_keys"], max_inconsistency_window=2)
    async with application(declared) as cqrs:
        assert list(cqrs.consistency.checks) == ["stream_heads", "checkpoints", "rows_stock"]
        await cqrs.engine.projections.write([Insert(StockView(id="item-1", units=7))])
        (found,) = await cqrs.consistency.run_checks(["rows_stock"])
        clock.advance(3)
        (mended,) = await cqrs.consistency.run_checks(["rows_stock"])
        assert (found.outcome, mended.outcome, mended.repair) == ("inconsistent", "repaired", "done")
        assert await cqrs.read_models.count(StockView) == 0


async def test_scheduled_they_run_while_the_application_is_open(application: Made, engine: Engine) -> None:
    looked = Looked()
    cqrs = application(Consistency(checks=[looked.declared()], scheduled=True))
    async with cqrs:
        await looked.once.wait()
        assert "consistency" in [lease.name for lease in await engine.leases.holders()]
    await engine.open()
    assert await engine.leases.holders() == []
    await engine.close()


@pytest.mark.parametrize(("scheduled", "runs"), [(False, True), (True, False)])
async def test_else_only_when_asked(application: Made, clock: ManualClock, scheduled: bool, runs: bool) -> None:
    """Whoever comes later finds the schedule free."""
    looked, rounds = Looked(), Rounds(clock)
    async with application(Consistency(checks=[looked.declared()], scheduled=scheduled), runs) as cqrs:
        late = ConsistencyManager(cqrs, consistency_checks=[Looked().declared()], sleep=rounds.sleep)
        async with late:
            await rounds.first()
        assert len(await late.last_results()) == 1
        assert not looked.once.is_set()
        await cqrs.consistency.run_checks(["looked"])
        assert looked.once.is_set()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (Consistency(checks=[ConsistencyCheck(name="checkpoints", check=nothing_negative)]), DuplicateName),
        (Consistency(checks=[ConsistencyCheck(name="c", check=nothing_negative, projections=["no"])]), UnknownName),
        (Consistency(repairs={"rows_stok": nothing_negative}), UnknownName),
        (Consistency(reconciliation_interval=0), ConfigurationError),
        ({"name": "c", "check": nothing_negative}, ConfigurationError),
    ],
)
async def test_what_cannot_work_is_refused_at_start_up(
    application: Made, wrong: Consistency, error: type[Exception]
) -> None:
    cqrs = application(wrong)
    with pytest.raises(error):
        await cqrs.initialize()


def test_before_it_is_open_it_has_no_checks_to_run(application: Made) -> None:
    with pytest.raises(ConfigurationError, match="initialize"):
        _ = application([NOTHING_NEGATIVE]).consistency
