"""The job: send, project, work out the figures; with seconds for each."""

from __future__ import annotations

import msgspec

from headwater.demo.incidents.data import Source
from headwater.demo.incidents.desk import desk
from headwater.demo.incidents.figures import figures
from headwater.demo.incidents.resuming import stored_entries
from headwater.demo.outcome import Outcome, timed
from headwater.demo.projecting import project
from headwater.demo.sending import Sender, Share
from headwater.demo.watching import Watch

__all__ = ["IncidentsJob", "run_incidents"]


class IncidentsJob(msgspec.Struct, frozen=True, kw_only=True):
    """What to do."""

    source: Source
    url: str
    read_url: str | None = None
    """Where the read models are kept, if not beside the log."""
    workers: int = 64
    """Commands under way at once."""


async def run_incidents(job: IncidentsJob, watch: Watch) -> Outcome:
    """Run it from where an earlier run left it.

    Raises InvalidInput, StoreMismatch (incidents of other data), StoreError, ProjectionError.
    """
    seconds: dict[str, float] = {}
    async with desk(job.url, job.read_url, run_projections=False) as cqrs:
        with timed(seconds, "commands"):
            stored = await stored_entries(cqrs, job.source)
            watch.begin("commands", job.source.lines)
            sent = await Sender(cqrs.commands, job.source, stored, Share(), watch.reached).run(job.workers)
        with timed(seconds, "projections"):
            await project(cqrs, watch)
        watch.begin("figures", None)
        with timed(seconds, "figures"):
            found = await figures(cqrs)
    return Outcome(figures=found, sent=sent, seconds=seconds)
