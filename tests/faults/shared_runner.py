"""shared_runner: a process that runs the shared projections.

With `pausing` it asks before commits with effects; with `inside` it asks once, within a transaction that is to commit.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import apsw
import msgspec

from headwater.errors import CheckpointConflict
from headwater.ports.projection_store import ProjectionCommit, ProjectionStore
from headwater.projections.synchronizer import ReadModelSynchronizer
from tests.faults.shared import OPTIONS, handlers, shared

__all__: list[str] = []

_INSIDE = 25
"""The commit to be asked in: by then it is at work."""


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


class AskInside:
    """A commit hook of SQLite: the transaction it is called in holds the write lock."""

    def __init__(self) -> None:
        self._commits = 0

    def __call__(self) -> bool:
        self._commits += 1
        if self._commits == _INSIDE:
            print("inside", flush=True)
            sys.stdin.readline()
        return False


def _ask_inside(connection: apsw.Connection) -> None:
    connection.set_commit_hook(AskInside())


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
    if "inside" in sys.argv[2:]:
        apsw.connection_hooks.append(_ask_inside)
    asyncio.run(main(sys.argv[1], "pausing" in sys.argv[2:]))
