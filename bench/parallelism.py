"""parallelism: keys side by side, in handlers that wait; and events that fail, beside those that do not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from functools import partial

from bench.domain import AccountView, Credited, new_event
from bench.plan import Plan
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from bench.store import a_path, one_write, url
from headwater import BatchProjectionHandler, CQRSManager, ProjectionHandler, Recorded, Views, on
from headwater.domain.stream import StreamId
from headwater.models.pipeline_parsing import parse_pipeline
from headwater.ports.engine import Engine
from headwater.ports.place import Place
from headwater.ports.projection_store import Reset

__all__ = ["measure"]

KEYS = 64
BATCH = 256
WAIT = 0.001
"""Seconds each event's handler waits, as for an answer from elsewhere."""
PAGE = 500
FAILING = 100
"""One event of so many fails."""
DELAYS = 0.05 + 0.1
"""Seconds between the three tries of one event."""


class Paced(BatchProjectionHandler, writes=[AccountView], name="accounts", key=lambda e: e.stream):
    @on(Credited)
    async def credited(self, event: Recorded[Credited], views: Views) -> None:
        await asyncio.sleep(WAIT)
        await views.add(AccountView, event.stream, balance=event.data.amount, credits=1)


class Failing(ProjectionHandler, writes=[AccountView], name="accounts"):
    """Fails twice at every so many events, 0 for none."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._tries = Counter[int]()

    @on(Credited)
    async def credited(self, event: Recorded[Credited], views: Views) -> None:
        offset = event.position.offset
        await views.add(AccountView, event.stream, balance=event.data.amount, credits=1)
        if self._every and offset % self._every == 0:
            self._tries[offset] += 1
            if self._tries[offset] % 3:
                raise ConnectionError


def measure(plan: Plan) -> Iterator[Result]:
    """Four keys at once against one; then a page in which events fail and recover against one in which none does."""
    yield _lanes(plan)
    yield _retries(plan)


def _lanes(plan: Plan) -> Result:
    number = plan.size(2_560, 1_024)

    def paced(parallelism: int) -> Paced:
        return Paced(batch_size=BATCH, flush_interval=0, parallelism=parallelism)

    samples = _compared({"four": paced(4), "one": paced(1)}, number, plan)
    return Result(
        name="projection that waits 1 ms for each event, parallelism 4",
        value=median(samples["four"], _rate),
        unit="events/s",
        better="higher",
        against=f"parallelism 1: {median(samples['one'], _rate):,.0f}/s; {KEYS} keys, batches of {BATCH}",
        ratio=median_ratio(samples["four"], samples["one"], _rate),
        goal=3.5,
    )


def _retries(plan: Plan) -> Result:
    samples = _compared({"failing": Failing(FAILING), "sound": Failing(0)}, PAGE, plan)
    failing, sound = (median(samples[side], _millis) for side in ("failing", "sound"))
    return Result(
        name=f"page of {PAGE} events, 1 % of which fail twice",
        value=failing,
        unit="ms",
        better="lower",
        against=f"none fails, and one event's two waits: {sound:.0f} + {1e3 * DELAYS:.0f} ms",
        ratio=failing / (sound + 1e3 * DELAYS),
        goal=1.2,
    )


def _compared(handlers: dict[str, ProjectionHandler], number: int, plan: Plan) -> dict[str, list[Sample]]:
    with a_path() as path, asyncio.Runner() as runner:
        sides = {
            side: runner.run(_Projecting.opened(url(path.with_name(f"{side}.db")), handler, number))
            for side, handler in handlers.items()
        }

        def caught_up(side: str) -> Sample:
            runner.run(sides[side].reset())
            sample = timed(lambda: runner.run(sides[side].catch_up()))
            runner.run(sides[side].check())
            return sample

        samples = interleave({side: partial(caught_up, side) for side in sides}, plan.rounds)
        for side in sides.values():
            runner.run(side.cqrs.close())
    return samples


def _rate(sample: Sample) -> float:
    return sample.rate


def _millis(sample: Sample) -> float:
    return 1e3 * sample.seconds


class _Projecting:
    """A store with events whose keys take turns, and its projection."""

    def __init__(self, cqrs: CQRSManager, events: int) -> None:
        self.cqrs = cqrs
        self._events = events

    @classmethod
    async def opened(cls, url: str, handler: ProjectionHandler, events: int) -> _Projecting:
        cqrs = CQRSManager(url, projections=[handler], run_projections=False)
        await cqrs.initialize()
        await _fill(cqrs.engine, events)
        return cls(cqrs, events)

    async def reset(self) -> None:
        """Back to the start."""
        projections = self.cqrs.engine.projections
        checkpoint = await projections.checkpoint(Place("accounts"))
        await projections.reset(
            Reset(projection="accounts", generation=0, epoch=checkpoint.epoch, models=[AccountView])
        )

    async def catch_up(self) -> int:
        """Start the projection and wait until it has seen everything."""
        await self.cqrs.synchronizer.start()
        await self.cqrs.synchronizer.caught_up(timeout=600)
        await self.cqrs.synchronizer.stop()
        return self._events

    async def check(self) -> None:
        pipeline = parse_pipeline([{"$group": {"_id": None, "credits": {"$sum": "$credits"}}}])
        rows = await self.cqrs.engine.read_models.aggregate(AccountView, pipeline)
        assert rows[0]["credits"] == self._events, rows


async def _fill(engine: Engine, events: int) -> None:
    for start in range(0, events, KEYS):
        accounts = [StreamId("account", f"k{number}") for number in range(min(KEYS, events - start))]
        version = start // KEYS
        await asyncio.gather(*(engine.events.append(one_write(account, version, new_event())) for account in accounts))
