"""shared_runner: a process that runs the shared projections; with `pausing` it asks before some of its commits."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import msgspec

from headwater.errors import CheckpointConflict
from headwater.ports.projection_store import ProjectionCommit, ProjectionStore
from headwater.projections.synchronizer import ReadModelSynchronizer
from tests.faults.shared import OPTIONS, handlers, shared

__all__: list[str] = []


class AskingStore:
    """A projection store that says when it is about to commit effects, waits for a line, and says how it went."""

    def __init__(self, store: ProjectionStore) -> None:
        self._store = store
        self._asked = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, commit: ProjectionCommit) -> None:
        if self._asked or not commit.changes:
            await self._store.commit(commit)
            return
        self._asked = True
        place = commit.place
        print(f"about {place.projection} {place.key_range} {commit.next}", flush=True)
        sys.stdin.readline()  # on the loop's thread: nothing of this process goes on between handling and commit
        try:
            await self._store.commit(commit)
            print("committed", flush=True)
        except CheckpointConflict:
            print("refused", flush=True)
            raise
        finally:
            self._asked = False


async def main(url: str, pausing: bool) -> None:
    async with shared(url, run_projections=not pausing) as cqrs:
        if pausing:
            parts = cqrs.projection_parts()
            asking = cast("ProjectionStore", AskingStore(parts.store))
            parts = msgspec.structs.replace(parts, store=asking)
            await ReadModelSynchronizer(parts, projection_handlers=handlers(), options=OPTIONS).start()
        print("running", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], "pausing" in sys.argv[2:]))
