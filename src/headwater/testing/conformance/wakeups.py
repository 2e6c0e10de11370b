"""The law of Wakeups: whoever waits with a counter taken before a commit is woken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from headwater.ports.engine import Engine
from headwater.testing.conformance.projection_store import commit_of
from headwater.testing.controls import ANN, Tally, append_of, tally

__all__ = ["WakeupsConformance"]

LONG = 20.0
"""Seconds that no wake-up takes."""


class WakeupsConformance:
    """Enrol with the fixture `engine`."""

    async def test_a_commit_made_before_the_wait_is_not_missed(self, engine: Engine) -> None:
        for _ in range(20):
            seen = engine.wakeups.seen()
            await engine.events.append(append_of(ANN))
            assert await engine.wakeups.wait(seen, LONG) > seen

    async def test_a_commit_made_during_the_wait_wakes_every_waiter(self, engine: Engine) -> None:
        for _ in range(20):
            seen = engine.wakeups.seen()
            waiting = [asyncio.create_task(engine.wakeups.wait(seen, LONG)) for _ in range(3)]
            await asyncio.sleep(0)
            await engine.events.append(append_of(ANN))
            assert min(await asyncio.gather(*waiting)) > seen

    async def test_every_kind_of_commit_wakes(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally])
        commits: list[Callable[[], Awaitable[object]]] = [
            lambda: engine.events.append(append_of(ANN)),
            lambda: engine.projections.commit(commit_of(0, 1, tally("a", 1))),
            lambda: engine.projections.write([tally("b", 1)]),
            lambda: engine.projections.reset("p", [Tally], 2),
        ]
        for commit in commits:
            seen = engine.wakeups.seen()
            await commit()
            assert await engine.wakeups.wait(seen, LONG) > seen

    async def test_a_wait_ends_with_its_timeout(self, engine: Engine) -> None:
        for timeout in (0.0, 0.001):
            seen = engine.wakeups.seen()
            assert await engine.wakeups.wait(seen, timeout) >= seen

    async def test_a_cancelled_wait_harms_nobody(self, engine: Engine) -> None:
        seen = engine.wakeups.seen()
        left = asyncio.create_task(engine.wakeups.wait(seen, LONG))
        stays = asyncio.create_task(engine.wakeups.wait(seen, LONG))
        await asyncio.sleep(0)
        left.cancel()
        await engine.events.append(append_of(ANN))
        assert await stays > seen

    async def test_a_reader_that_waits_sees_every_event(self, engine: Engine) -> None:
        async def write() -> None:
            for _ in range(50):
                await engine.events.append(append_of(ANN))

        writing = asyncio.create_task(write())
        head = 0
        while head < 50:
            seen = engine.wakeups.seen()
            head = await engine.events.head(ANN)
            if head < 50:
                assert await engine.wakeups.wait(seen, LONG) > seen
        await writing
