"""PostgreSQL: from sending a command to seeing its effect in a read model; one user, one command at a time."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator

from bench.domain import Accounts, credit, get_account, new_event
from bench.plan import Plan
from bench.postgres.raw import RawStore
from bench.postgres.server import Server
from bench.read_your_write import WRITES, execute, make
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio
from headwater import CQRSManager

__all__ = ["measure"]


def measure(plan: Plan, server: Server) -> Iterator[Result]:
    """The median wait against one append, one batch commit and one look-up by hand on one connection."""
    number = plan.size(200, 20)
    with asyncio.Runner() as runner:
        schema = server.schema()
        cqrs = CQRSManager(server.store(), handlers=[credit, get_account], projections=[Accounts()])
        runner.run(cqrs.initialize())
        runner.run(make(f"{server.url}&schema={schema}"))
        raw = runner.run(RawStore.connected(server.url, schema))
        samples = interleave(
            {"raw": lambda: runner.run(_by_hand(raw, number)), "ours": lambda: runner.run(execute(cqrs, number))},
            plan.rounds,
        )
        runner.run(cqrs.close())
        runner.run(raw.close())
    yield Result(
        name="PostgreSQL: own write visible, median",
        value=median(samples["ours"], _micros),
        unit="µs",
        better="lower",
        against=f"append and batch commit by hand: {median(samples['raw'], _micros):,.0f} µs",
        ratio=median_ratio(samples["ours"], samples["raw"], _micros),
    )


def _micros(sample: Sample) -> float:
    return sample.micros


_names = iter(range(2**62))


async def _by_hand(raw: RawStore, number: int) -> Sample:
    waits: list[float] = []
    for count in range(number):
        if count % WRITES == 0:
            stream = await raw.stream(f"account-a{next(_names)}")
        started = time.perf_counter()
        offset = await raw.append(stream, new_event())
        await raw.project(stream.partition, offset, 100)
        assert await raw.view(stream.name) is not None
        waits.append(time.perf_counter() - started)
    return Sample(1, statistics.median(waits), 0)
