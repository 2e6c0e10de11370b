"""The job: send, project, work out the figures; with seconds for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from headwater import CQRSManager
from headwater.demo.outcome import Outcome, timed
from headwater.demo.projecting import project
from headwater.demo.retail.data import Source
from headwater.demo.retail.figures import figures
from headwater.demo.retail.resuming import stored_lines
from headwater.demo.retail.sharing import Part, send_in_processes
from headwater.demo.retail.shop import shop
from headwater.demo.sending import Sender, Sent, Share
from headwater.demo.watching import Watch
from headwater.errors import ConfigurationError

__all__ = ["Job", "run_job"]

_LOOK_SECONDS = 0.5


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to do."""

    source: Source
    url: str
    read_url: str | None = None
    """Where the read models are kept, if not beside the log."""
    processes: int = 1
    workers: int = 64
    """Commands under way at once, in each process."""


async def run_job(job: Job, watch: Watch) -> Outcome:
    """Run it from where an earlier run left it.

    Raises InvalidInput, StoreMismatch (invoices of other data), StoreError, ProjectionError, PartFailed.
    """
    if job.processes > 1 and job.url.startswith("memory:"):
        raise ConfigurationError(
            f"{job.url!r} cannot be shared by {job.processes} processes: name a store that is not in memory"
        )
    seconds: dict[str, float] = {}
    async with shop(job.url, job.read_url, run_projections=False) as cqrs:
        with timed(seconds, "commands"):
            sent = await (_send(cqrs, job, watch) if job.processes == 1 else _share_out(cqrs, job, watch))
        with timed(seconds, "projections"):
            await project(cqrs, watch)
        watch.begin("figures", None)
        with timed(seconds, "figures"):
            found = await figures(cqrs)
    return Outcome(figures=found, sent=sent, seconds=seconds)


async def _send(cqrs: CQRSManager, job: Job, watch: Watch) -> Sent:
    stored = await stored_lines(cqrs, job.source)
    watch.begin("commands", job.source.lines)
    return await Sender(cqrs.commands, job.source, stored, Share(), watch.reached).run(job.workers)


async def _share_out(cqrs: CQRSManager, job: Job, watch: Watch) -> Sent:
    watch.begin("commands", job.source.lines)
    parts = [
        Part(
            url=job.url,
            read_url=job.read_url,
            source=job.source,
            share=Share(index, job.processes),
            workers=job.workers,
        )
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
