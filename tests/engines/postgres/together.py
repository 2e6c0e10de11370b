"""Commits of several engines at once: what they commit, and where they are while they do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from headwater.engines.postgres.engine import PostgresEngine
from headwater.engines.postgres.location import Location
from headwater.errors import CheckpointConflict
from headwater.models.changes import Accumulate, Change, Upsert
from headwater.models.model import ReadModel
from headwater.ports.generations import NewGeneration
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.ports.read_models import ReadModels, Selection
from headwater.testing.controls import Remark, Tally
from tests.engines.postgres.stores import select

__all__ = ["MODELS", "commit_once", "counted", "holding", "offsets", "racing", "totals", "waiting", "wanted"]

MODELS: list[type[ReadModel]] = [Tally, Remark]


def wanted(version: int = 1, projection: str = "p") -> NewGeneration:
    return NewGeneration(projection=projection, version=version, fingerprint="", key_ranges=1, models=MODELS)


def counted(generation: int) -> list[Change]:
    """One more of what only this generation counts, in both tables."""
    names = [f"{generation}", f"all of {generation}"]
    notes: list[Change] = [Upsert(Remark, each, {"text": "counted"}, Remark(name=each)) for each in names]
    return [Accumulate(Tally, each, Tally(name=each), add={"total": 1}) for each in names] + notes


async def commit_once(engine: PostgresEngine, place: Place, *changes: Change) -> bool:
    """One batch from where the place stands, under the epoch it has; False where another was faster."""
    kept = await engine.projections.checkpoint(place)
    batch = ProjectionCommit(
        place=place, epoch=kept.epoch, start=kept.offset, next=kept.offset + 1, changes=changes or counted(0)
    )
    try:
        await engine.projections.commit(batch)
    except CheckpointConflict:
        return False
    return True


async def totals(rows: ReadModels) -> dict[str, int]:
    return {row.name: row.total for row in await rows.find(Tally, Selection())}


async def offsets(engine: PostgresEngine, generation: int) -> int:
    kept = await engine.projections.checkpoints("p")
    return sum(each.offset for each in kept if each.place.generation == generation)


class Racing:
    """Tasks that go on until it ends."""

    def __init__(self) -> None:
        self.is_over = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, step: Callable[[], Awaitable[object]]) -> None:
        async def race() -> None:
            while not self.is_over:
                await step()

        self._tasks.append(asyncio.create_task(race()))

    async def end(self) -> None:
        """Raises what any of them failed with."""
        self.is_over = True
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def racing() -> AsyncIterator[Racing]:
    race = Racing()
    try:
        yield race
    finally:
        await race.end()


async def waiting(url: str, sessions: int) -> None:
    """Until so many of the store's sessions wait for a lock."""
    schema = Location.parse(url, {}).schema
    question = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'headwater' "
        "AND (query LIKE '%' || $1 || '%' OR query LIKE 'BEGIN; SELECT pg_advisory_xact_lock%')"
    )
    while await select(url, question, schema) != [(sessions,)]:
        pass


@asynccontextmanager
async def holding(url: str, row: str) -> AsyncIterator[None]:
    """Somebody else has locked a row of the served table."""
    location = Location.parse(url, {})
    connection = await asyncpg.connect(location.dsn, server_settings={"search_path": location.schema})
    try:
        async with connection.transaction():
            await connection.fetchval("SELECT 1 FROM conformance_tally WHERE name = $1 FOR UPDATE", row)
            yield
    finally:
        await connection.close()
