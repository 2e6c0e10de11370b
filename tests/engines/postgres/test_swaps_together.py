"""Commits, swaps and reads of several engines at once: each row in its own generation, nobody waiting in a circle."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Literal

import pytest

from headwater.engines.postgres.engine import PostgresEngine
from headwater.errors import CheckpointConflict
from headwater.models.changes import Accumulate, Change, Upsert
from headwater.ports.generations import NewGeneration
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.testing.conformance.commits import swap
from headwater.testing.controls import Remark, Tally, tally
from tests.engines.postgres.stores import opened, select
from tests.engines.postgres.together import (
    MODELS,
    commit_once,
    counted,
    holding,
    offsets,
    racing,
    totals,
    waiting,
    wanted,
)
from tests.engines.servers import fresh_schema

SWAPS = 200
PARTITIONS = 4


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(partitions=str(PARTITIONS), lock_timeout="60") as url:
        yield url


@pytest.fixture
async def engines(url: str) -> AsyncIterator[tuple[PostgresEngine, PostgresEngine]]:
    """Two on one store, each with connections of its own, as in two processes."""
    async with opened(url, *MODELS) as one, opened(url, *MODELS) as other:
        yield one, other


# -- one place ---------------------------------------------------------------


async def test_one_of_those_who_commit_from_one_place_wins(engines: tuple[PostgresEngine, PostgresEngine]) -> None:
    place = Place("p", 0)
    for start in range(50):
        batch = ProjectionCommit(place=place, epoch=1, start=start, next=start + 1, changes=counted(0))
        told = await asyncio.gather(
            *(engine.projections.commit(batch) for engine in engines for _ in range(2)), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in told) == ["CheckpointConflict"] * 3 + ["NoneType"]
    assert await totals(engines[0].read_models) == {"0": 50, "all of 0": 50}


async def test_a_zombie_that_waits_behind_its_successor_writes_nothing(
    engines: tuple[PostgresEngine, PostgresEngine], url: str
) -> None:
    one, other = engines
    place = Place("p", 0)
    await one.projections.commit(ProjectionCommit(place=place, epoch=1, start=0, next=1, changes=[tally("a", 1)]))
    async with holding(url, "a"):
        later = ProjectionCommit(place=place, epoch=2, start=1, next=1, changes=[tally("a", 2)])
        successor = asyncio.create_task(other.projections.commit(later))
        await waiting(url, 1)
        zombie = ProjectionCommit(place=place, epoch=1, start=1, next=2, changes=[tally("a", 9), tally("z", 9)])
        refused = asyncio.create_task(one.projections.commit(zombie))
        await waiting(url, 2)
    await successor
    with pytest.raises(CheckpointConflict):
        await refused
    assert await totals(one.read_models) == {"a": 2}


# -- swaps -------------------------------------------------------------------


async def test_a_commit_in_flight_ends_before_its_tables_are_renamed(
    engines: tuple[PostgresEngine, PostgresEngine], url: str
) -> None:
    one, other = engines
    for version in (1, 2):
        await one.generations.begin(wanted(version))
    await commit_once(one, Place("p", 0), tally("a", 1))
    async with holding(url, "a"):
        flying = asyncio.create_task(commit_once(one, Place("p", 0), tally("a", 2), tally("b", 2)))
        await waiting(url, 1)
        swapping = asyncio.create_task(other.generations.swap("p", 1, force=True))
        await waiting(url, 2)
        late = asyncio.create_task(commit_once(one, Place("p", 0), tally("c", 3)))
        reading = asyncio.create_task(totals(one.generations.rows("p", 0, MODELS)))
        await waiting(url, 4)
    assert await flying
    assert await swapping
    assert not await late, "its epoch is outdated"
    assert await reading == {"a": 2, "b": 2}
    assert await totals(one.read_models) == {}


async def test_whatever_races_with_swaps_every_row_lies_in_its_own_generation(
    engines: tuple[PostgresEngine, PostgresEngine],
) -> None:
    one, other = engines
    for version in (1, 2):
        await one.generations.begin(wanted(version))
    both = {generation: {f"{generation}", f"all of {generation}"} for generation in (0, 1)}
    committed, landed, dice = [0, 0], asyncio.Semaphore(0), random.Random(7)

    def committing(engine: PostgresEngine, place: Place) -> Callable[[], Awaitable[None]]:
        async def commit() -> None:
            if await commit_once(engine, place, *counted(place.generation)):
                committed[place.generation] += 1
                landed.release()

        return commit

    def reading(engine: PostgresEngine, generation: int) -> Callable[[], Awaitable[None]]:
        rows = engine.generations.rows("p", generation, MODELS)

        async def read() -> None:
            assert (await totals(rows)).keys() <= both[generation]

        return read

    async def read_what_is_served() -> None:
        names = (await totals(one.read_models)).keys()
        assert any(names <= own for own in both.values())

    async with racing() as race:
        for partition in range(PARTITIONS):
            for generation in (0, 1):
                race.start(committing(engines[partition % 2], Place("p", partition, generation)))
        race.start(reading(one, 0))
        race.start(reading(other, 1))
        race.start(read_what_is_served)
        for number in range(SWAPS):
            for _ in range(dice.randrange(4)):
                await landed.acquire()
            assert await swap(engines[number % 2], "p", 1 - number % 2, force=True)
    for generation in (0, 1):
        assert committed[generation] > 0
        assert await offsets(one, generation) == committed[generation]
        kept = await totals(one.generations.rows("p", generation, MODELS))
        assert kept == dict.fromkeys(both[generation], committed[generation])


async def test_those_who_swap_at_once_do_it_one_after_the_other(
    engines: tuple[PostgresEngine, PostgresEngine],
) -> None:
    one, other = engines
    for projection, models in (("p", [Tally]), ("q", [Remark])):
        for version in (1, 2):
            wish = NewGeneration(projection=projection, version=version, fingerprint="", key_ranges=1, models=models)
            await one.generations.begin(wish)
    was: Literal["building", "previous"] = "building"
    for number in range(30):
        chosen = 1 - number % 2
        *told, elsewhere = await asyncio.gather(
            one.generations.swap("p", chosen, was, force=True),
            other.generations.swap("p", chosen, was, force=True),
            other.generations.swap("q", chosen, was, force=True),
            return_exceptions=True,
        )
        assert elsewhere is True
        assert sorted(type(each).__name__ for each in told) == ["UnknownName", "bool"]
        was = "previous"


# -- begin, reset ------------------------------------------------------------


async def test_of_those_who_begin_one_generation_at_once_one_makes_it(
    engines: tuple[PostgresEngine, PostgresEngine], url: str
) -> None:
    for version in range(1, 21):
        is_first = version == 1
        begun = (engine.generations.begin(wanted(version), beside=not is_first) for engine in engines for _ in range(2))
        told = await asyncio.gather(*begun)
        assert {(each.number, each.version) for each in told} == {(version - 1, version)}
        assert is_first or await swap(engines[0], "p", version - 1, force=True)
    names = "SELECT table_name FROM headwater_read_models ORDER BY 1"
    assert [name for (name,) in await select(url, names)] == [
        "conformance_remark",
        "conformance_remark@p@18",
        "conformance_tally",
        "conformance_tally@p@18",
    ]


async def test_tables_are_made_and_begun_and_reset_at_once(engines: tuple[PostgresEngine, PostgresEngine]) -> None:
    one, other = engines
    await one.generations.begin(wanted())
    async with racing() as race:
        for partition in range(PARTITIONS):
            race.start(partial(commit_once, engines[partition % 2], Place("p", partition)))
        race.start(lambda: one.read_model_schema.ensure(MODELS))
        for version in range(2, 32):
            building = await other.generations.begin(wanted(version))
            assert await other.generations.drop("p", building.number)
    assert await totals(one.read_models) == dict.fromkeys(("0", "all of 0"), await offsets(one, 0))


# -- rows that all of them write ---------------------------------------------


async def test_partitions_that_add_to_the_same_rows_never_fail(
    engines: tuple[PostgresEngine, PostgresEngine],
) -> None:
    """Each names the rows in an order of its own."""
    names = [f"{number}" for number in range(20)]

    async def add(partition: int) -> None:
        for number in range(50):
            order = names[number % 20 :] + names[: number % 20]
            if partition % 2:
                order.reverse()
            changes: list[Change] = [Upsert(Remark, name, {"text": f"{number}"}, Remark(name=name)) for name in order]
            changes += [Accumulate(Tally, name, Tally(name=name), add={"total": 1}) for name in order]
            assert await commit_once(engines[partition % 2], Place("p", partition), *changes)

    await asyncio.gather(*map(add, range(PARTITIONS)))
    assert await totals(engines[0].read_models) == dict.fromkeys(names, 50 * PARTITIONS)
