"""The job: send, project, work out the figures; with seconds for each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import msgspec

from headwater import ConsistencyTimeout, CQRSManager, ReadModelSynchronizer
from headwater.demo.data import Source
from headwater.demo.figures import figures
from headwater.demo.resuming import stored_lines
from headwater.demo.sending import Sender, Sent, Share
from headwater.demo.sharing import Part, send_in_processes
from headwater.demo.shop import shop
from headwater.demo.watching import Watch
from headwater.errors import ConfigurationError, ProjectionError

__all__ = ["Job", "Outcome", "project", "run_job", "timed"]

_LOOK_SECONDS = 0.5


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to do."""

    source: Source
    url: str
    processes: int = 1
    workers: int = 64
    """Commands under way at once, in each process."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    figures: dict[str, object]
    sent: Sent
    seconds: dict[str, float]
    """By phase."""

    @property
    def commands_per_second(self) -> float:
        """Of the commands sent now; 0 if all were known."""
        return self.sent.sent / self.seconds["commands"] if self.sent.sent else 0.0


async def run_job(job: Job, watch: Watch) -> Outcome:
    """Run it from where an earlier run left it.

    Raises InvalidInput, StoreMismatch (invoices of other data), StoreError, ProjectionError, PartFailed.
    """
    if job.processes > 1 and not job.url.startswith("sqlite:"):
        raise ConfigurationError(f"{job.url!r} cannot be shared by {job.processes} processes: name a sqlite:/// file")
    seconds: dict[str, float] = {}
    async with shop(job.url, run_projections=False) as cqrs:
        with timed(seconds, "commands"):
            sent = await (_send(cqrs, job, watch) if job.processes == 1 else _share_out(cqrs, job, watch))
        with timed(seconds, "projections"):
            await project(cqrs, watch)
        watch.begin("figures", None)
        with timed(seconds, "figures"):
            found = await figures(cqrs)
    return Outcome(figures=found, sent=sent, seconds=seconds)


@contextmanager
def timed(seconds: dict[str, float], phase: str) -> Generator[None, None, None]:
    """Note how long the phase took."""
    began = time.perf_counter()
    yield
    seconds[phase] = round(time.perf_counter() - began, 3)


async def _send(cqrs: CQRSManager, job: Job, watch: Watch) -> Sent:
    stored = await stored_lines(cqrs, job.source)
    watch.begin("commands", job.source.lines)
    return await Sender(cqrs.commands, job.source, stored, Share(), watch.reached).run(job.workers)


async def _share_out(cqrs: CQRSManager, job: Job, watch: Watch) -> Sent:
    watch.begin("commands", job.source.lines)
    parts = [
        Part(url=job.url, source=job.source, share=Share(index, job.processes), workers=job.workers)
        for index in range(job.processes)
    ]
    async with _looking(cqrs, watch):
        return await send_in_processes(parts)


@asynccontextmanager
async def _looking(cqrs: CQRSManager, watch: Watch) -> AsyncGenerator[None, None]:
    """Report the length of the log while others write to it."""

    async def look() -> None:
        while True:
            watch.reached(await cqrs.engine.log.head(0))
            await asyncio.sleep(_LOOK_SECONDS)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(look())
        try:
            yield
        finally:
            task.cancel()


async def project(cqrs: CQRSManager, watch: Watch) -> None:
    """Run the projections until they have seen everything. Raises ProjectionError for one that cannot."""
    watch.begin("projections", sum(one.head for one in await cqrs.synchronizer.status()))
    await cqrs.synchronizer.start()
    try:
        while not await _caught_up(cqrs.synchronizer):
            watch.reached(sum(one.offset for one in await cqrs.synchronizer.status()))
    finally:
        await cqrs.synchronizer.stop()


async def _caught_up(synchronizer: ReadModelSynchronizer) -> bool:
    """After a moment: whether every projection has seen everything. Raises ProjectionError if that cannot be."""
    try:
        await synchronizer.caught_up(timeout=_LOOK_SECONDS)
        done = True
    except ConsistencyTimeout:
        done = False
    for one in await synchronizer.status():
        if one.failed:
            raise ProjectionError(f"{one.projection!r} gave up: {one.failed}")
        if one.parked:
            first = (await synchronizer.dead_letters.list(one.projection))[0]
            raise ProjectionError(f"{one.projection!r} has parked {one.parked} events, the first for {first.error}")
    return done
