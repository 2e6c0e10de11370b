"""ConsistencyManager: what is counted, what is repaired, and who does it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from headwater.consistency.checks.check import CheckResult, ConsistencyCheck, Inconsistency
from headwater.consistency.manager import ConsistencyManager
from headwater.errors import (
    BadDeclaration,
    BadSignature,
    DuplicateName,
    HeadwaterError,
    InvalidIdentifier,
    StoreBusy,
    UnknownName,
)
from headwater.read_models.views import Views
from tests.consistency.checking import Application, found, journal_of
from tests.projections.shop import Shop, Stock, StockView

pytestmark = pytest.mark.above_engines


class Lamp:
    """Something that can be wrong, and put right."""

    def __init__(self, *wrong: object, mends: bool = True) -> None:
        self.wrong: list[object] = list(wrong)
        self.mends = mends
        self.repairs: list[CheckResult] = []

    async def check(self) -> list[object]:
        return self.wrong

    async def repair(self, result: CheckResult) -> None:
        self.repairs.append(result)
        if self.mends:
            self.wrong = []

    def declared(self, name: str = "lamp") -> ConsistencyCheck:
        return ConsistencyCheck(name=name, check=self.check, on_inconsistency=self.repair)


async def test_what_holds_is_ok_and_kept(shop: Shop) -> None:
    async def holds() -> bool:
        return True

    manager = Application(shop).manager(ConsistencyCheck(name="holds", check=holds))
    (result,) = await manager.run_checks()
    assert (result.name, result.outcome, result.at, result.lasted) == ("holds", "ok", shop.clock.micros(), 0.0)
    assert await manager.last_results() == [result]
    assert await journal_of(shop, "check.holds") == ["ok"]


async def test_what_is_wrong_is_told_in_any_form(shop: Shop) -> None:
    async def says_no() -> bool:
        return False

    says = Lamp("broken", Inconsistency("dark", "cellar"), 7)
    checks = [ConsistencyCheck(name="says_no", check=says_no), says.declared()]
    no, lamp = await Application(shop).manager(*checks).run_checks()
    assert (no.outcome, found(no)) == ("inconsistent", [("", "says_no does not hold")])
    assert (lamp.found, found(lamp)) == (3, [("", "broken"), ("cellar", "dark"), ("", "7")])


async def test_many_inconsistencies_are_counted_and_some_are_shown(shop: Shop) -> None:
    lamp = Lamp(*[f"{number} {'x' * 2_000}" for number in range(1_000)])
    manager = Application(shop).manager(lamp.declared())
    (result,) = await manager.run_checks()
    assert (result.found, len(result.inconsistencies)) == (1_000, 20)
    (kept,) = await manager.last_results()
    assert (kept.found, found(kept)[0]) == (1_000, found(result)[0])


async def test_the_seeds_mapping_is_a_check(shop: Shop) -> None:
    repaired: list[bool] = []

    async def count_matches(views: Views) -> bool:
        return await views.count(StockView) == 1

    async def rebuild() -> None:
        repaired.append(True)

    check = {"name": "user_count_consistency", "check": count_matches, "onInconsistency": rebuild}
    manager = Application(shop).manager(check, max_inconsistency_window=timedelta(seconds=30))
    await manager.run_checks()
    shop.clock.advance(30)
    (early,) = await manager.run_checks()
    assert (early.lasted, repaired) == (30.0, [])
    shop.clock.advance(0.001)
    (late,) = await manager.run_checks(["user_count_consistency"])
    assert (late.outcome, late.repair, repaired) == ("inconsistent", "done", [True])


async def test_only_what_lasts_longer_than_the_window_is_repaired(shop: Shop) -> None:
    lamp = Lamp("dark")
    manager = Application(shop).manager(lamp.declared())
    (first,) = await manager.run_checks()
    shop.clock.advance(3)
    lamp.wrong = []
    assert [result.outcome for result in await manager.run_checks()] == ["ok"]
    lamp.wrong = ["dark again"]
    shop.clock.advance(3)
    (again,) = await manager.run_checks()
    assert (first.lasted, again.lasted, lamp.repairs) == (0.0, 0.0, [])
    shop.clock.advance(6)
    (mended,) = await manager.run_checks()
    assert (mended.outcome, mended.since, mended.repair) == ("repaired", None, "done")
    assert [(seen.lasted, found(seen)) for seen in lamp.repairs] == [(6.0, [("", "dark again")])]
    assert await journal_of(shop, "repair.lamp") == ["begun", "done"]
    assert await journal_of(shop, "check.lamp") == ["inconsistent", "ok", "inconsistent", "repaired"]


async def test_how_long_it_has_lasted_is_known_to_another_process(shop: Shop) -> None:
    lamp = Lamp("dark")
    await Application(shop).manager(lamp.declared()).run_checks()
    shop.clock.advance(6)
    (result,) = await Application(shop, parts=shop.fresh_parts()).manager(lamp.declared()).run_checks(repair=False)
    assert (result.lasted, result.outcome, lamp.repairs) == (6.0, "inconsistent", [])


async def test_repairs_are_limited_and_each_is_noted(shop: Shop) -> None:
    lamp = Lamp("dark", mends=False)
    said: list[str] = []
    for _ in range(5):  # each by a process of its own: the journal is the count
        manager = Application(shop).manager(lamp.declared(), repairs_per_hour=2)
        said += [result.repair for result in await manager.run_checks()]
        shop.clock.advance(600)
    assert said == ["", "done", "done", *["put off: 2 in an hour are enough"] * 2]
    shop.clock.advance(3_600)
    (later,) = await Application(shop).manager(lamp.declared(), repairs_per_hour=2).run_checks()
    assert (later.repair, later.outcome, len(lamp.repairs)) == ("done", "inconsistent", 3)
    assert await journal_of(shop, "repair.lamp") == ["begun", "done"] * 3


async def test_a_repair_that_raises_is_noted_and_not_fatal(shop: Shop) -> None:
    async def dark() -> bool:
        return False

    async def repair() -> None:
        raise StoreBusy("not now")

    manager = Application(shop).manager(ConsistencyCheck(name="lamp", check=dark, on_inconsistency=repair))
    await manager.run_checks()
    shop.clock.advance(6)
    (result,) = await manager.run_checks()
    assert (result.outcome, result.repair) == ("inconsistent", "failed: StoreBusy: not now")
    assert await journal_of(shop, "repair.lamp") == ["begun", "failed"]


async def test_a_check_that_raises_is_reported_and_the_others_run(shop: Shop) -> None:
    lamp = Lamp()

    async def broken() -> bool:
        raise ZeroDivisionError("by nothing")

    async def no_answer() -> Any:
        return None

    checks = [ConsistencyCheck(name=check.__name__, check=check) for check in (broken, no_answer)]
    one, other, last = await Application(shop).manager(*checks, lamp.declared()).run_checks()
    assert (one.outcome, one.error, one.found) == ("failed", "ZeroDivisionError: by nothing", 0)
    assert (other.outcome, last.outcome) == ("failed", "ok")
    assert "returned None" in other.error
    assert await journal_of(shop, "check.broken") == ["failed"]


async def test_a_failure_in_between_does_not_make_an_inconsistency_younger(shop: Shop) -> None:
    lamp = Lamp("dark")
    declared = lamp.declared()
    manager = Application(shop).manager(declared)
    await manager.run_checks()
    shop.clock.advance(4)
    lamp.wrong = 5  # type: ignore[assignment]  # no answer
    (failed,) = await manager.run_checks()
    assert (failed.outcome, failed.lasted, lamp.repairs) == ("failed", 4.0, [])
    lamp.wrong = ["dark"]
    shop.clock.advance(4)
    assert [result.repair for result in await manager.run_checks()] == ["done"]


async def plain() -> bool:
    return True


def not_async() -> bool:
    return True


async def unknown_parameter(what: int) -> bool:
    return bool(what)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"consistency_checks": [{"name": "a", "check": plain, "onInconsistent": plain}]}, BadDeclaration),
        ({"consistency_checks": [{"name": "a"}]}, BadDeclaration),
        ({"consistency_checks": [{"name": "a", "check": 5}]}, BadDeclaration),
        ({"consistency_checks": [{"name": "a", "check": plain, "on_inconsistency": 5}]}, BadDeclaration),
        ({"consistency_checks": [{"name": "a", "check": plain, "every": 0}]}, BadDeclaration),
        ({"consistency_checks": [{"name": "a", "check": plain, "projections": "stock"}]}, BadDeclaration),
        ({"consistency_checks": {"name": "a", "check": plain}}, BadDeclaration),
        ({"consistency_checks": [{"name": "a b", "check": plain}]}, InvalidIdentifier),
        ({"consistency_checks": [{"name": "a", "check": plain}] * 2}, DuplicateName),
        ({"consistency_checks": [{"name": "a", "check": not_async}]}, BadSignature),
        ({"consistency_checks": [{"name": "a", "check": plain, "on_inconsistency": not_async}]}, BadSignature),
        ({"consistency_checks": [{"name": "a", "check": unknown_parameter}]}, BadSignature),
        ({"consistency_checks": [{"name": "a", "check": plain, "projections": ["stok"]}]}, UnknownName),
        ({"max_inconsistency_window": 0}, BadDeclaration),
        ({"reconciliation_interval": timedelta(seconds=-1)}, BadDeclaration),
        ({"reconciliation_interval": float("nan")}, BadDeclaration),
        ({"repairs_per_hour": -1}, BadDeclaration),
    ],
)
async def test_what_cannot_work_is_refused_at_once(
    shop: Shop, options: dict[str, Any], error: type[HeadwaterError]
) -> None:
    with pytest.raises(error):
        ConsistencyManager(Application(shop, Stock()), **options)


async def test_an_unknown_check_is_refused(shop: Shop) -> None:
    with pytest.raises(UnknownName, match="known are lamp"):
        await Application(shop).manager(Lamp().declared()).run_checks(["lump"])
