"""The law of Journal: the newest entries, found by action and subject."""

from __future__ import annotations

import asyncio

from headwater.ports.engine import Engine
from headwater.ports.journal import Entry

__all__ = ["JournalConformance", "entry"]

KEPT = 10_000
MOST = 20_000


def entry(number: int, action: str = "projection.pause", subject: str = "p") -> Entry:
    return Entry(at=number, by="ann", action=action, subject=subject)


async def note(engine: Engine, *entries: Entry) -> None:
    for noted in entries:
        await engine.journal.note(noted)


async def times(engine: Engine, action: str | None = None, subject: str | None = None) -> list[int]:
    return [found.at for found in await engine.journal.entries(action=action, subject=subject)]


class JournalConformance:
    """Enrol with the fixture `engine`."""

    async def test_an_entry_comes_back_as_it_is(self, engine: Engine) -> None:
        assert list(await engine.journal.entries()) == []
        full = Entry(at=9, by="ann", action="parked.edit", subject="p/0/7", outcome="refused", details="{}")
        await note(engine, full)
        assert list(await engine.journal.entries()) == [full]

    async def test_the_newest_come_first_and_no_more_than_asked_for(self, engine: Engine) -> None:
        await note(engine, *map(entry, range(5)))
        assert await times(engine) == [4, 3, 2, 1, 0]
        assert [found.at for found in await engine.journal.entries(limit=2)] == [4, 3]
        assert list(await engine.journal.entries(limit=0)) == []

    async def test_one_action_can_be_asked_for(self, engine: Engine) -> None:
        actions = ["check.heads", "check.rows", "check", "checks.heads", "projection.check.heads"]
        await note(engine, *[entry(number, action) for number, action in enumerate(actions)])
        assert await times(engine, "check.heads") == [0]
        assert await times(engine, "check.*") == [1, 0]
        assert await times(engine, "check") == [2]
        assert await times(engine, "che.*") == []

    async def test_an_action_is_no_pattern(self, engine: Engine) -> None:
        await note(engine, entry(0, "checkXheads"), entry(1, "check%heads.one"), entry(2, "check_heads.one"))
        assert await times(engine, "check_heads.*") == [2]
        assert await times(engine, "check%heads.*") == [1]

    async def test_one_subject_can_be_asked_for(self, engine: Engine) -> None:
        await note(engine, entry(0), entry(1, subject="q"), entry(2, "parked.edit"), entry(3, "parked.edit", "q"))
        assert await times(engine, subject="p") == [2, 0]
        assert await times(engine, "parked.*", "q") == [3]
        assert await times(engine, "parked.*", "r") == []

    async def test_the_limit_counts_what_was_asked_for(self, engine: Engine) -> None:
        await note(engine, *[entry(number, subject="pq"[number % 2]) for number in range(8)])
        assert [found.at for found in await engine.journal.entries(subject="p", limit=3)] == [6, 4, 2]

    async def test_what_is_too_long_is_cut(self, engine: Engine) -> None:
        await note(engine, Entry(at=1, by="ann", action="a", subject="s" * 8_001, details="ä" * 9_000))
        [found] = await engine.journal.entries()
        assert (found.subject, found.details) == ("s" * 8_000, "ä" * 8_000)

    async def test_the_newest_are_kept_and_the_oldest_forgotten(self, engine: Engine) -> None:
        for start in range(0, MOST + 1, 500):  # asked for at once, they are noted in this order
            numbers = range(start, min(start + 500, MOST + 1))
            await asyncio.gather(*(engine.journal.note(entry(number)) for number in numbers))
        found = [noted.at for noted in await engine.journal.entries(limit=2 * MOST)]
        assert KEPT <= len(found) <= MOST
        assert found == list(range(MOST, MOST - len(found), -1))
