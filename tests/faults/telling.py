"""telling: a projection whose side effects are lines in a file, and processes that run it until they are killed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import cast

import msgspec

from headwater import CQRSManager, ProjectionHandler, Recorded, RunnerOptions, Views, on
from headwater.ports.projection_store import ProjectionCommit, ProjectionStore
from headwater.projections.after_commit import after_commit
from headwater.projections.synchronizer import ReadModelSynchronizer
from tests.faults.marks import MarkCount
from tests.faults.operation import Mark

__all__ = ["OPTIONS", "STEADY", "TellMarks"]

OPTIONS = RunnerOptions(batch_size=10, lease_seconds=0.3, watch_seconds=0.3)
"""Small batches: what a process that dies leaves to be told again is a page at most."""

STEADY = msgspec.structs.replace(OPTIONS, lease_seconds=3.0)
"""For processes of which none dies: on a busy machine one may stand still for longer than a short lease lasts."""


class TellMarks(ProjectionHandler, writes=[MarkCount]):
    """Counts events, then tells of each in a file."""

    def __init__(self, file: Path, seconds: float = 0.001) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._seconds = seconds

    @on(Mark)
    async def counted(self, event: Recorded[Mark], views: Views) -> None:
        await views.add(MarkCount, event.stream, events=1)

    @after_commit(Mark)
    async def told(self, event: Recorded[Mark]) -> None:
        await asyncio.sleep(self._seconds)  # as a call to somebody would: long enough to be killed in
        os.write(self._file, b"%d\n" % event.position.offset)


class Markless:
    """For the control: a projection store that keeps no mark of side effects, and begins them where rows are."""

    def __init__(self, store: ProjectionStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, commit: ProjectionCommit) -> None:
        await self._store.commit(msgspec.structs.replace(commit, effects=commit.next))


async def main(url: str, file: Path, markless: bool, options: RunnerOptions) -> None:
    handler = TellMarks(file, 0.02 if markless else 0.001)  # to be killed in it, however long a commit takes
    async with CQRSManager(url, projections=[handler], runner=options, run_projections=False) as cqrs:
        parts = cqrs.projection_parts()
        if markless:
            parts = msgspec.structs.replace(parts, store=cast("ProjectionStore", Markless(parts.store)))
        await ReadModelSynchronizer(parts, projection_handlers=[handler], options=options).start()
        print("running", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    said = sys.argv[3:]
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), "markless" in said, STEADY if "steady" in said else OPTIONS))
