"""shared_runner: a process that runs the shared projections.

With `pausing` it asks before commits with effects; with `inside` it asks once, within a transaction that is to commit;
with `late`, on Cassandra, it asks when it has read the rows of a commit and is about to write them.
Five are for controls: with `careless` it asks, too, and commits whatever has happened meanwhile; with `misplaced` it
does so to whichever generation is served; with `early` it moves checkpoints before it commits rows; `hasty` and
`unknowing` are of Cassandra: see late_rows.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import cast

import apsw
import msgspec

from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.projection_store import PostgresProjectionStore
from headwater.errors import CheckpointConflict, HeadwaterError
from headwater.ports.generations import Generations
from headwater.ports.projection_store import ProjectionCommit, ProjectionStore
from headwater.projections.parts import ProjectionParts
from headwater.projections.synchronizer import ReadModelSynchronizer
from tests.faults.late_rows import LateStore, forget_events, hurry, stand_still
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
        print(f"about {_where(commit)}", flush=True)
        sys.stdin.readline()  # on the loop's thread: nothing of this process goes on between handling and commit
        try:
            await self._store.commit(commit)
            print("committed", flush=True)
        except CheckpointConflict:
            print("refused", flush=True)
            raise
        finally:
            self._asked = False


class CarelessStore:
    """A projection store that ignores epochs: it commits where the checkpoint is, whoever has moved it there."""

    def __init__(self, store: ProjectionStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, commit: ProjectionCommit) -> None:
        kept = await self._store.checkpoint(commit.place)
        next, epoch = max(kept.offset, commit.next), max(kept.epoch, commit.epoch)
        await self._store.commit(msgspec.structs.replace(commit, start=kept.offset, next=next, epoch=epoch))


class MisplacedStore(CarelessStore):
    """A careless one that takes what is served for its own generation."""

    def __init__(self, store: ProjectionStore, generations: Generations) -> None:
        super().__init__(store)
        self._generations = generations

    async def commit(self, commit: ProjectionCommit) -> None:
        known = await self._generations.all(commit.place.projection)
        served = next(each.number for each in known if each.state == "serving")
        place = msgspec.structs.replace(commit.place, generation=served)
        await super().commit(msgspec.structs.replace(commit, place=place))


class EarlyStore:
    """A projection store that moves the checkpoint first, then commits rows in a transaction of their own."""

    def __init__(self, store: ProjectionStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, commit: ProjectionCommit) -> None:
        await self._store.commit(msgspec.structs.replace(commit, changes=()))
        await self._store.commit(msgspec.structs.replace(commit, start=commit.next, parked=(), unparked=()))


class InsideStore(PostgresProjectionStore):
    """A store that asks once, when all is done in a transaction but its COMMIT, and says how that went."""

    def __init__(self, store: PostgresProjectionStore) -> None:
        super().__init__(store._sql, store._pool)
        self._commits = 0
        self._asked_in: ProjectionCommit | None = None

    async def commit(self, commit: ProjectionCommit) -> None:
        said = "committed"
        try:
            await super().commit(commit)
        except HeadwaterError as error:
            said = f"refused {type(error).__name__}"
            raise
        finally:
            if commit is self._asked_in:
                print(said, flush=True)

    async def _commit(self, connection: Connection, commit: ProjectionCommit) -> None:
        await super()._commit(connection, commit)
        self._commits += bool(commit.changes)
        if self._commits >= _INSIDE and self._asked_in is None:
            self._asked_in = commit
            print(f"inside {_where(commit)}", flush=True)
            sys.stdin.readline()


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


def _where(commit: ProjectionCommit) -> str:
    place = commit.place
    return f"{place.projection} {place.partition} {place.generation} {place.key_range} {commit.next}"


def _ask_inside(connection: apsw.Connection) -> None:
    connection.set_commit_hook(AskInside())


def _store(parts: ProjectionParts, mode: str) -> ProjectionStore:
    store = parts.store
    match mode:
        case "pausing":
            return cast("ProjectionStore", AskingStore(store))
        case "careless":
            return cast("ProjectionStore", AskingStore(cast("ProjectionStore", CarelessStore(store))))
        case "misplaced":
            misplaced = MisplacedStore(store, parts.generations)
            return cast("ProjectionStore", AskingStore(cast("ProjectionStore", misplaced)))
        case "inside" if isinstance(store, PostgresProjectionStore):
            return InsideStore(store)
        case "late" | "hasty":
            return cast("ProjectionStore", LateStore(store))
        case "early":
            return cast("ProjectionStore", EarlyStore(store))
        case _:
            return store


async def main(url: str, mode: str) -> None:
    logging.getLogger("headwater.projections").setLevel(logging.ERROR)  # who is thawed is told so, and pauses
    async with shared(url, run_projections=False) as cqrs:
        parts = cqrs.projection_parts()
        parts = msgspec.structs.replace(parts, store=_store(parts, mode))
        await ReadModelSynchronizer(parts, projection_handlers=handlers(), options=OPTIONS).start()
        print("running", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    chosen = sys.argv[2] if len(sys.argv) > 2 else ""
    match chosen:
        case "inside":
            apsw.connection_hooks.append(_ask_inside)
        case "late":
            stand_still()
        case "hasty":
            hurry()
            stand_still()
        case "unknowing":
            forget_events()
        case _:
            pass
    asyncio.run(main(sys.argv[1], chosen))
