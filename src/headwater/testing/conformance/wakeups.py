"""The law of Wakeups: whoever waits with a counter taken before a commit is woken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from headwater.models.model import ReadModel
from headwater.ports.conditions import Pause
from headwater.ports.engine import Engine
from headwater.testing.conformance.commits import commit_of, parked_at, reset_of, swap
from headwater.testing.conformance.generations import begin
from headwater.testing.conformance.products import Product
from headwater.testing.controls import ANN, Remark, Tally, append_of, tally

__all__ = ["WakeupsConformance"]

LONG = 20.0
"""Seconds that no wake-up takes."""


async def moved_by(engine: Engine, step: Callable[[], Awaitable[object]], *models: type[ReadModel]) -> list[bool]:
    """Whether the count of each read model is another one after the step."""
    before = await engine.wakeups.changes(models)
    await step()
    return [now != earlier for now, earlier in zip(await engine.wakeups.changes(models), before, strict=True)]


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
        await engine.read_model_schema.ensure([Tally, Remark])
        commits: list[Callable[[], Awaitable[object]]] = [
            lambda: engine.events.append(append_of(ANN)),
            lambda: engine.projections.commit(commit_of(0, 1, tally("a", 1))),
            lambda: engine.projections.write([tally("b", 1)]),
            lambda: engine.projections.reset(reset_of(2, Tally)),
            lambda: engine.parking.park(parked_at(3)),
            lambda: engine.conditions.pause(Pause(projection="p")),
            lambda: engine.conditions.resume("p"),
            lambda: begin(engine),
            lambda: begin(engine, 2),
            lambda: swap(engine, "p", 1, force=True),
            lambda: engine.generations.drop("p", 0),
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

    # -- counts of read models ---------------------------------------------

    async def test_a_model_without_a_table_counts_nothing(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally])
        assert (await engine.wakeups.changes([Tally, Product]))[1] == 0
        assert list(await engine.wakeups.changes([])) == []

    async def test_the_count_moves_with_the_rows_that_are_served(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally, Remark])
        steps: list[Callable[[], Awaitable[object]]] = [
            lambda: engine.projections.commit(commit_of(0, 1, tally("a", 1))),
            lambda: engine.projections.commit(commit_of(1, 2, tally("a", 2))),
            lambda: engine.projections.write([tally("b", 1)]),
            lambda: engine.projections.reset(reset_of(2, Tally)),
            lambda: engine.projections.reset(reset_of(2, partition=0, changes=(tally("c", 1),))),
        ]
        for step in steps:
            assert await moved_by(engine, step, Tally, Remark) == [True, False]

    async def test_the_count_stands_while_the_rows_do(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally])
        await engine.projections.write([tally("a", 1)])
        steps: list[Callable[[], Awaitable[object]]] = [
            lambda: engine.projections.commit(commit_of(0, 1)),
            lambda: engine.events.append(append_of(ANN)),
            lambda: engine.read_model_schema.ensure([Tally]),
        ]
        for step in steps:
            assert await moved_by(engine, step, Tally) == [False]

    async def test_the_count_moves_with_a_swap_and_not_with_what_is_built(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally, Remark])
        await begin(engine)
        assert await moved_by(engine, lambda: begin(engine, 2), Tally, Remark) == [False, False]
        built = commit_of(0, 1, tally("a", 1), generation=1)
        assert await moved_by(engine, lambda: engine.projections.commit(built), Tally) == [False]
        reset = reset_of(2, Tally, generation=1)
        assert await moved_by(engine, lambda: engine.projections.reset(reset), Tally) == [False]
        for number in (1, 0, 1):
            swapped = await moved_by(engine, partial(swap, engine, "p", number), Tally, Remark)
            assert swapped == [True, True]
        served = commit_of(0, 1, tally("a", 1), generation=1, epoch=9)
        assert await moved_by(engine, lambda: engine.projections.commit(served), Tally, Remark) == [True, False]

    async def test_no_count_comes_back(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally, Remark])
        await begin(engine)
        await begin(engine, 2)
        seen: set[int] = set()
        for number in (1, 0, 1, 0):
            await engine.projections.write([tally("a", number)])
            seen.update(await engine.wakeups.changes([Tally]))
            await swap(engine, "p", number)
            seen.update(await engine.wakeups.changes([Tally]))
        assert len(seen) == 8
