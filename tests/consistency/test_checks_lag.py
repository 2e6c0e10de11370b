"""Lag: where generations stand, and the patience of checks with projections that are behind."""

from __future__ import annotations

import pytest

from headwater.consistency.checks.check import ConsistencyCheck
from headwater.consistency.checks.lag import served, standing
from headwater.ports.generations import NewGeneration
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.read_models.views import Views
from tests.consistency.checking import Application, found
from tests.projections.shop import Added, Shop, Stock, StockView

pytestmark = pytest.mark.above_engines


async def test_a_generation_has_passed_what_all_its_key_ranges_have(shop: Shop) -> None:
    wanted = NewGeneration(projection="wide", version=1, fingerprint="f", key_ranges=3, models=[StockView])
    begun = await shop.engine.generations.begin(wanted)
    for key_range, offset in ((0, 7), (1, 5)):
        place = Place("wide", 0, begun.number, key_range)
        await shop.engine.projections.commit(ProjectionCommit(place=place, epoch=1, start=0, next=offset))
    generation = await served(shop.engine.generations, "wide")
    stands = await standing(shop.engine.projections, generation, 2)
    assert (generation.key_ranges, list(stands.lowest), list(stands.highest)) == (3, [0, 0], [7, 0])


class Counted:
    """Rows against appended streams; the first look sets the projections going."""

    def __init__(self, application: Application, streams: int) -> None:
        self.application = application
        self.streams = streams
        self.looks = 0
        self.starts = True

    async def check(self, views: Views) -> list[str]:
        self.looks += 1
        rows = await views.count(StockView)
        if self.starts:
            await self.application.synchronizer.start()
        return [] if rows == self.streams else [f"{rows} rows of {self.streams} streams"]


async def test_lag_is_no_inconsistency(shop: Shop) -> None:
    application = Application(shop, Stock())
    for number in range(8):
        await shop.append(f"item-{number}", Added(units=1))
    counted = Counted(application, streams=8)
    (result,) = await application.manager(ConsistencyCheck(name="counted", check=counted.check)).run_checks()
    await application.synchronizer.stop()
    assert (result.outcome, result.behind, counted.looks) == ("ok", False, 2)


async def test_what_is_still_so_once_the_projections_have_caught_up_counts(shop: Shop) -> None:
    application = Application(shop, Stock())
    await shop.append("item-1", Added(units=1))
    counted = Counted(application, streams=2)
    check = ConsistencyCheck(name="counted", check=counted.check, projections=[StockView])
    (result,) = await application.manager(check).run_checks()
    await application.synchronizer.stop()
    assert (result.outcome, found(result)) == ("inconsistent", [("", "1 rows of 2 streams")])
    assert (result.behind, counted.looks) == (False, 2)


async def test_nobody_waits_longer_than_the_window_for_a_projection_that_does_not_run(shop: Shop) -> None:
    application = Application(shop, Stock(), parts=shop.fresh_parts(wakeups=shop.hasty_wakeups()))
    await shop.append("item-1", Added(units=1))
    counted = Counted(application, streams=1)
    counted.starts = False
    before = shop.clock.micros()
    check = ConsistencyCheck(name="counted", check=counted.check)
    (result,) = await application.manager(check, max_inconsistency_window=7).run_checks()
    assert (result.outcome, result.behind) == ("inconsistent", True)
    assert shop.clock.micros() - before == 7_000_000


async def test_a_clock_that_steps_back_makes_the_window_no_longer(shop: Shop) -> None:
    wakeups = shop.hasty_wakeups(back=3_600)
    application = Application(shop, Stock(), parts=shop.fresh_parts(wakeups=wakeups))
    await shop.append("item-1", Added(units=1))
    counted = Counted(application, streams=1)
    counted.starts = False
    check = ConsistencyCheck(name="counted", check=counted.check)
    (result,) = await application.manager(check, max_inconsistency_window=7).run_checks()
    assert (result.behind, wakeups.waited) == (True, [7])


async def test_a_log_that_never_rests_is_looked_at_for_no_longer_than_the_window(shop: Shop) -> None:
    application = Application(shop, Stock())
    looks: list[int] = []

    async def busy() -> bool:
        looks.append(shop.clock.micros())
        shop.clock.advance(3)
        await shop.append("item-1", Added(units=1))
        await application.synchronizer.caught_up(5)
        return False

    await application.synchronizer.start()
    (result,) = await application.manager(ConsistencyCheck(name="busy", check=busy)).run_checks()
    await application.synchronizer.stop()
    assert (result.outcome, result.behind, len(looks)) == ("inconsistent", True, 3)


async def test_a_check_that_looks_at_no_projection_waits_for_none(shop: Shop) -> None:
    application = Application(shop, Stock())
    await shop.append("item-1", Added(units=1))

    async def dark() -> bool:
        return False

    check = ConsistencyCheck(name="lamp", check=dark, projections=())
    (result,) = await application.manager(check).run_checks()
    assert (result.outcome, result.behind) == ("inconsistent", False)
