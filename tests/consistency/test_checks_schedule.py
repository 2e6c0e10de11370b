"""The schedule: when checks run, in which process, and which of their results are kept."""

from __future__ import annotations

import asyncio

import pytest

from headwater.consistency.checks.check import ConsistencyCheck, Inconsistency, Part
from headwater.consistency.manager import ConsistencyManager
from headwater.errors import StoreBusy
from headwater.ports.journal import Entry
from tests.consistency.checking import Application, Rounds, journal_of
from tests.projections.shop import Shop

pytestmark = pytest.mark.above_engines


class Counting:
    """A check that counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.wrong: list[str] = []

    async def check(self) -> list[str]:
        self.runs += 1
        return self.wrong

    async def repair(self) -> None:
        self.wrong = []

    def manager(self, shop: Shop, rounds: Rounds, every: float | None = None) -> ConsistencyManager:
        check = ConsistencyCheck(name="counting", check=self.check, on_inconsistency=self.repair, every=every)
        return Application(shop).manager(check, sleep=rounds.sleep)


async def test_checks_run_in_rounds_until_it_is_stopped(shop: Shop) -> None:
    rounds, counting = Rounds(shop.clock), Counting()
    manager = counting.manager(shop, rounds)
    async with manager:
        await manager.start()
        await rounds.first()
        began = shop.clock.micros()
        await rounds.another()
        assert (counting.runs, shop.clock.micros() - began) == (2, 60_000_000)
    await manager.stop()
    assert counting.runs == 2
    assert await shop.engine.leases.holders() == []


async def test_what_lasts_from_round_to_round_is_repaired(shop: Shop) -> None:
    rounds, counting = Rounds(shop.clock), Counting()
    counting.wrong = ["dark"]
    async with counting.manager(shop, rounds):
        await rounds.first()
        await rounds.another()
        await rounds.another()
    assert await journal_of(shop, "check.counting") == ["inconsistent", "repaired", "ok"]
    assert await journal_of(shop, "repair.counting") == ["begun", "done"]


async def test_only_news_is_noted_and_one_result_an_hour(shop: Shop) -> None:
    rounds, counting = Rounds(shop.clock), Counting()
    async with counting.manager(shop, rounds):
        await rounds.first()
        for _ in range(59):
            await rounds.another()
        assert await journal_of(shop, "check.counting") == ["ok"]
        await rounds.another()
        assert await journal_of(shop, "check.counting") == ["ok", "ok"]


async def test_a_check_may_be_looked_at_less_often(shop: Shop) -> None:
    rounds, counting = Rounds(shop.clock), Counting()
    async with counting.manager(shop, rounds, every=180):
        await rounds.first()
        for runs in (1, 1, 2, 2, 2, 3):
            await rounds.another()
            assert counting.runs == runs


async def test_a_clock_that_steps_back_puts_no_check_off(shop: Shop) -> None:
    rounds, counting = Rounds(shop.clock), Counting()
    async with counting.manager(shop, rounds, every=180):
        await rounds.first()
        shop.clock.advance(-40)
        for runs in (1, 1, 2):
            await rounds.another()
            assert counting.runs == runs


async def test_one_process_at_a_time_runs_it(shop: Shop) -> None:
    here, there = Rounds(shop.clock), Rounds(shop.clock)
    mine, theirs = Counting(), Counting()
    first, second = mine.manager(shop, here), theirs.manager(shop, there)
    await first.start()
    await here.first()
    async with second:
        await there.first()
        await here.another()
        assert (mine.runs, theirs.runs) == (2, 0)
        assert [lease.name for lease in await shop.engine.leases.holders()] == ["consistency"]
        await first.stop()
        await there.another()
        assert (mine.runs, theirs.runs) == (2, 1)


async def test_what_the_schedule_of_another_process_repairs_is_left_to_it(shop: Shop) -> None:
    rounds, quiet, wrong = Rounds(shop.clock), Counting(), Counting()
    wrong.wrong = ["dark"]
    by_hand = wrong.manager(shop, Rounds(shop.clock))
    await by_hand.run_checks()
    shop.clock.advance(6)
    async with quiet.manager(shop, rounds):
        await rounds.first()
        wrong_check = ConsistencyCheck(name="wrong", check=wrong.check, on_inconsistency=wrong.repair)
        other = Application(shop).manager(wrong_check)
        await other.run_checks()
        shop.clock.advance(6)
        (result,) = await other.run_checks()
    assert (result.outcome, wrong.wrong) == ("inconsistent", ["dark"])
    assert result.repair == "left to the process that runs the schedule"
    assert await journal_of(shop, "repair.wrong") == []


class Pages:
    """A check in four parts, one of which may be wrong."""

    def __init__(self) -> None:
        self.wrong = ""
        self.looked: list[str] = []

    async def part(self, cursor: str) -> Part:
        self.looked.append(cursor)
        number = int(cursor or "0")
        found = [Inconsistency("torn", cursor)] if cursor == self.wrong and cursor else []
        return Part(found=found, next=str(number + 1) if number < 3 else None, looked_at=10)

    def manager(self, shop: Shop, rounds: Rounds) -> ConsistencyManager:
        return Application(shop).manager({"name": "pages", "check": self}, sleep=rounds.sleep)


async def test_a_round_looks_at_one_part_and_stays_where_something_is_wrong(shop: Shop) -> None:
    rounds, pages = Rounds(shop.clock), Pages()
    async with pages.manager(shop, rounds) as manager:
        await rounds.first()
        for _ in range(4):
            await rounds.another()
        assert pages.looked == ["", "1", "2", "3", ""]
        pages.wrong = "2"
        for _ in range(4):
            await rounds.another()
        assert pages.looked[5:] == ["1", "2", "2", "2"]
        (kept,) = await manager.last_results()
        assert (kept.outcome, kept.cursor, kept.found) == ("inconsistent", "2", 1)
        pages.wrong = ""
        await rounds.another()
        await rounds.another()
        assert pages.looked[9:] == ["2", "3"]


async def test_a_run_by_hand_looks_at_every_part_and_tells_the_schedule_where_to_go_on(shop: Shop) -> None:
    rounds, pages = Rounds(shop.clock), Pages()
    pages.wrong = "2"
    (result,) = await pages.manager(shop, rounds).run_checks()
    assert (pages.looked, result.looked_at, result.found, result.cursor) == (["", "1", "2", "3"], 40, 1, "2")
    elsewhere = Pages()
    async with elsewhere.manager(shop, rounds):
        await rounds.first()
    assert elsewhere.looked == ["2"]


async def test_another_inconsistency_elsewhere_has_not_lasted_yet(shop: Shop) -> None:
    pages = Pages()
    manager = pages.manager(shop, Rounds(shop.clock))
    lasted: list[float] = []
    for wrong in ("2", "2", "1", "1"):
        pages.wrong = wrong
        lasted += [result.lasted for result in await manager.run_checks()]
        shop.clock.advance(4)
    assert lasted == [0.0, 4.0, 0.0, 4.0]


class FaultyJournal:
    """The engine's, with a store that is busy now and then."""

    def __init__(self, shop: Shop) -> None:
        self._journal = shop.engine.journal
        self.is_busy = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._journal, name)

    async def note(self, entry: Entry) -> None:
        if self.is_busy:
            raise StoreBusy("not now")
        await self._journal.note(entry)


async def test_a_store_that_fails_ends_the_round_and_not_the_schedule(shop: Shop) -> None:
    journal, rounds, counting = FaultyJournal(shop), Rounds(shop.clock), Counting()
    journal.is_busy = True
    application = Application(shop, parts=shop.fresh_parts(journal=journal))
    check = ConsistencyCheck(name="counting", check=counting.check)
    async with application.manager(check, sleep=rounds.sleep):
        await rounds.first()
        assert counting.runs == 1
        journal.is_busy = False
        await rounds.another()
    assert await journal_of(shop, "check.counting") == ["ok"]


async def test_what_a_check_awaited_and_was_cancelled_is_a_failure_like_any_other(shop: Shop) -> None:
    async def check() -> bool:
        cancelled: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        cancelled.cancel()
        return await cancelled

    rounds = Rounds(shop.clock)
    async with Application(shop).manager({"name": "cut", "check": check}, sleep=rounds.sleep):
        await rounds.first()
        await rounds.another()
    assert await journal_of(shop, "check.cut") == ["failed"]


async def test_stopped_in_the_middle_of_a_check_it_leaves_no_lease(shop: Shop) -> None:
    began = asyncio.Event()

    async def endless() -> bool:
        began.set()
        await asyncio.Event().wait()
        return True

    manager = Application(shop).manager({"name": "endless", "check": endless})
    await manager.start()
    await began.wait()
    await manager.stop()
    assert await shop.engine.leases.holders() == []
    assert await journal_of(shop, "check.endless") == []
