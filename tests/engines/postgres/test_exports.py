"""Exports while others change everything: one moment is read to its end, and nobody waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import cycle

import pytest

from headwater.engines.postgres.engine import PostgresEngine
from headwater.errors import UnknownName
from headwater.models.changes import Insert
from headwater.models.model import Key, ReadModel
from headwater.ports.generations import NewGeneration
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit, Reset
from headwater.testing.conformance.commits import swap
from headwater.testing.controls import Remark, Tally, tally
from tests.engines.postgres.stores import opened, read_model, write
from tests.engines.servers import fresh_schema

MODELS: list[type[ReadModel]] = [Tally, Remark]


@pytest.fixture
async def engine() -> AsyncIterator[PostgresEngine]:
    """Two generations with rows of their own; whoever waits for a lock is told at once."""
    async with fresh_schema(partitions="1", lock_timeout="0.2") as url, opened(url, *MODELS) as engine:
        for version in (1, 2):
            wanted = NewGeneration(projection="p", version=version, fingerprint="", key_ranges=1, models=MODELS)
            await engine.generations.begin(wanted)
            await commit(engine, version - 1, *[tally(f"{number}", version) for number in range(5)])
        yield engine


async def commit(engine: PostgresEngine, generation: int, *changes: Insert) -> None:
    place = Place("p", 0, generation)
    kept = await engine.projections.checkpoint(place)
    await engine.projections.commit(
        ProjectionCommit(place=place, epoch=kept.epoch, start=kept.offset, next=kept.offset + 1, changes=changes)
    )


async def exported(
    engine: PostgresEngine, number: int, model: type[ReadModel], meanwhile: Callable[[], Awaitable[object]]
) -> list[object]:
    """The rows of a generation, one a page; `meanwhile` is done after each of them."""
    rows: list[object] = []
    async for page in engine.export("p", number, [model], 1):
        found = [row for row in page if isinstance(row, model)]
        rows += found
        if found:
            await meanwhile()
    return rows


@pytest.mark.parametrize("number", [0, 1])
async def test_it_goes_on_wherever_swaps_put_its_tables(engine: PostgresEngine, number: int) -> None:
    served = cycle([1, 0])

    async def meanwhile() -> None:
        assert await swap(engine, "p", next(served), force=True)
        await commit(engine, number, tally("late", 9), *[tally(f"{each}", 9) for each in range(5)])

    found = await exported(engine, number, Tally, meanwhile)
    assert found == [Tally(name=f"{each}", total=number + 1) for each in range(5)]


async def test_it_reads_on_while_the_table_gets_new_fields(engine: PostgresEngine) -> None:
    small = read_model("growing", {"id": Key[str]})
    grown = read_model("growing", {"id": Key[str], "size": int}, {"size": 3})
    await engine.read_model_schema.ensure([small])
    await write(engine, *[small(id=f"{number}") for number in range(3)])
    found = await exported(engine, 0, small, lambda: engine.read_model_schema.ensure([grown]))
    assert found == [small(id=f"{number}") for number in range(3)]


async def test_what_is_dropped_meanwhile_is_said(engine: PostgresEngine) -> None:
    with pytest.raises(UnknownName, match="was dropped while it was exported"):
        await exported(engine, 1, Tally, lambda: engine.generations.drop("p", 1))
    with pytest.raises(UnknownName, match="no generation 1"):
        await exported(engine, 1, Tally, lambda: engine.generations.drop("p", 1))


async def test_a_table_made_anew_meanwhile_is_another_one(engine: PostgresEngine) -> None:
    anew = Reset(projection="p", generation=0, epoch=9, models=[Tally])
    with pytest.raises(UnknownName, match="was dropped while it was exported"):
        await exported(engine, 0, Tally, lambda: engine.projections.reset(anew))
