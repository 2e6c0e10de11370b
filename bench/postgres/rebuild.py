"""PostgreSQL, rebuild: a read model of a row for each event, filled anew beside the one that is served."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from bench.domain import Credited
from bench.filling import fill
from bench.plan import Plan
from bench.postgres.raw import PARTITIONS, RawStore
from bench.postgres.server import Server
from bench.rebuild import ACCOUNTS, BATCH, check, rebuild
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from headwater import CQRSManager, Indexed, Key, ProjectionHandler, ReadModel, Recorded, Views, on

__all__ = ["measure"]

_Write = Callable[[RawStore, int, int, Sequence[tuple[int, str, int]]], Awaitable[None]]


class Entry(ReadModel, table="entries"):
    number: Key[int]
    account: Indexed[str]
    amount: int


class Entries(ProjectionHandler, writes=[Entry]):
    @on(Credited)
    async def credited(self, event: Recorded[Credited], views: Views) -> None:
        number = event.position.offset * PARTITIONS + event.position.partition
        await views.insert(Entry(number=number, account=event.stream, amount=event.data.amount))


def measure(plan: Plan, server: Server) -> Iterator[Result]:
    """Against reading, decoding and writing by hand, by COPY and by INSERT: same pages, same table and index."""
    number = plan.size(50_000, 4_000)
    with asyncio.Runner() as runner:
        schema = server.schema()
        ours = runner.run(_opened(server.store(), number))
        runner.run(_close(f"{server.url}&schema={schema}", number))
        raw = runner.run(RawStore.connected(server.url, schema))

        def by_hand(write: _Write) -> Sample:
            runner.run(raw.execute("TRUNCATE entries"))
            sample = timed(lambda: runner.run(_copied(raw, write)))
            assert sample.operations == number
            return sample

        def rebuilt() -> Sample:
            sample = timed(lambda: runner.run(rebuild(ours, Entries)))
            runner.run(check(ours, Entry, number))
            return sample

        sides = {"COPY": lambda: by_hand(RawStore.copy), "INSERT": lambda: by_hand(RawStore.insert), "ours": rebuilt}
        samples = interleave(sides, plan.rounds)
        runner.run(ours.close())
        runner.run(raw.close())
    for side in ("COPY", "INSERT"):
        against = f"read, decode, {side} by hand, {BATCH:,} for each transaction"
        yield Result(
            name="PostgreSQL: rebuild beside what is served, a row for each event",
            value=median(samples["ours"], _rate),
            unit="events/s",
            better="higher",
            against=f"{against}: {median(samples[side], _rate):,.0f}/s",
            ratio=median_ratio(samples["ours"], samples[side], _rate),
        )


def _rate(sample: Sample) -> float:
    return sample.rate


async def _copied(raw: RawStore, write: _Write) -> int:
    total = 0
    for partition in range(PARTITIONS):
        start = 0
        while entries := await raw.entries(partition, start, BATCH):
            await write(raw, partition, start, entries)
            start += len(entries)
        total += start
    return total


async def _opened(url: str, events: int) -> CQRSManager:
    """With its events stored, and all of them in the read model that is served."""
    cqrs = CQRSManager(url, projections=[Entries()], run_projections=False)
    await cqrs.initialize()
    await fill(cqrs.engine, events, ACCOUNTS)
    await rebuild(cqrs, Entries)
    return cqrs


async def _close(url: str, events: int) -> None:
    await (await _opened(url, events)).close()
