"""Projections on Cassandra, where nothing is undone: what is broken off, comes late or comes in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from unittest.mock import patch

import pytest

from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.engines.cassandra.rows.rows import Rows
from headwater.engines.cassandra.rows.writing import Plan, Writing
from headwater.engines.cassandra.stage import Stage
from headwater.engines.cassandra.tables.generation_table import GenerationTable
from headwater.engines.cassandra.tables.place_table import PlaceTable
from headwater.errors import CheckpointConflict, StoreUnavailable
from headwater.models.changes import Delete, Insert
from headwater.ports.engine import EngineOptions
from headwater.ports.generations import NewGeneration
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.ports.wakeups import KnowsOthers
from headwater.testing.conformance.commits import at, parked_at, reset_of, swap, totals
from headwater.testing.conformance.generations import begin, fill
from headwater.testing.controls import Tally, tally
from tests.engines.cassandra.commits import broken_off, engine, one_more, told
from tests.engines.cassandra_servers import cassandra_url, run

__all__ = ["engine"]


# -- commits ---------------------------------------------------------------------------


async def test_a_worker_that_was_overtaken_changes_nothing(engine: CassandraEngine) -> None:
    await engine.projections.commit(told(0, 1, (0, tally("a", 1))))
    plan = Writing.plan

    async def overtaken(self: Writing, commit: ProjectionCommit, *looked: object) -> Plan:
        planned = await plan(self, commit, *looked)  # type: ignore[arg-type]  # as it was called
        if commit.epoch == 1:
            later = told(1, 3, (1, tally("a", 2)), (2, tally("a", 3)), epoch=2)
            await engine.projections.commit(later)
        return planned

    with patch.object(Writing, "plan", overtaken), pytest.raises(CheckpointConflict):
        await engine.projections.commit(told(1, 2, (1, tally("a", 9))))
    assert (await totals(engine.read_models), await at(engine)) == ({"a": 3}, (3, 2))


async def test_nothing_is_parked_by_a_worker_that_was_overtaken(engine: CassandraEngine) -> None:
    exchange = PlaceTable.exchange

    async def overtaken(self: PlaceTable, *args: object) -> bool:
        with patch.object(PlaceTable, "exchange", exchange):
            await engine.projections.commit(told(0, 1, (0, one_more()), epoch=2))
        return await exchange(self, *args)  # type: ignore[arg-type]  # as it was called

    parking = ProjectionCommit(place=Place("p"), epoch=1, start=0, next=1, parked=(parked_at(0),))
    with patch.object(PlaceTable, "exchange", overtaken), pytest.raises(CheckpointConflict):
        await engine.projections.commit(parking)
    assert list(await engine.parking.parked()) == []


async def test_an_event_that_is_in_its_row_changes_nothing(engine: CassandraEngine) -> None:
    await engine.projections.commit(told(0, 2, (0, one_more()), (1, one_more())))
    await engine.projections.commit(told(2, 3, (1, one_more()), (2, one_more())))
    assert await totals(engine.read_models) == {"a": 3}


async def test_a_parked_event_that_is_replayed_counts_once(engine: CassandraEngine) -> None:
    await engine.parking.park(parked_at(1))
    await engine.projections.commit(told(0, 3, (0, one_more()), (2, one_more())))
    replayed = told(3, 3, (1, one_more()), unparked=(1,))
    with broken_off(PlaceTable, "exchange"), pytest.raises(StoreUnavailable):
        await engine.projections.commit(replayed)
    assert await totals(engine.read_models) == {"a": 3}
    assert [event.offset for event in await engine.parking.parked()] == [1]
    await engine.projections.commit(replayed)
    assert list(await engine.parking.parked()) == []
    assert await totals(engine.read_models) == {"a": 3}


async def test_ranges_of_keys_that_write_one_row_are_both_in_it(engine: CassandraEngine) -> None:
    await begin(engine, key_ranges=2)
    await engine.projections.commit(told(0, 9, (8, one_more()), key_range=1))
    await engine.projections.commit(told(0, 4, (3, one_more())))
    assert await totals(engine.read_models) == {"a": 2}


# -- once more -------------------------------------------------------------------------


async def test_what_is_taken_away_is_made_anew_and_the_rest_stays(engine: CassandraEngine) -> None:
    await engine.projections.commit(told(0, 3, (0, one_more()), (1, one_more("b")), (2, one_more())))
    anew = told(3, 3, (-1, Delete(Tally, "a")), (0, one_more()))
    await engine.projections.commit(anew)
    assert await totals(engine.read_models) == {"a": 1, "b": 1}
    await engine.projections.commit(told(3, 5, (3, one_more()), (4, one_more("b"))))
    assert await totals(engine.read_models) == {"a": 2, "b": 2}


async def test_after_a_reset_of_a_partition_its_events_are_handled_once_more(engine: CassandraEngine) -> None:
    await engine.projections.commit(told(0, 2, (0, one_more()), (1, one_more("b"))))
    await engine.projections.reset(reset_of(2, partition=0, changes=(Delete(Tally, "a"), Delete(Tally, "b"))))
    assert await totals(engine.read_models) == {}
    await engine.projections.commit(told(0, 2, (0, one_more()), (1, one_more("b")), epoch=2))
    assert await totals(engine.read_models) == {"a": 1, "b": 1}


@pytest.mark.parametrize("partition", [None, 0])
async def test_what_was_under_way_when_a_reset_came_is_not_committed(
    engine: CassandraEngine, partition: int | None
) -> None:
    await engine.projections.commit(told(0, 2, (0, one_more()), (1, one_more())))
    write = Writing.write

    async def reset_meanwhile(self: Writing, plan: Plan) -> None:
        with patch.object(Writing, "write", write):
            await reset()
        await write(self, plan)

    async def reset() -> None:
        if partition is None:
            await engine.projections.reset(reset_of(2, Tally))
        else:
            await engine.projections.reset(reset_of(2, partition=0, changes=(Delete(Tally, "a"),)))

    with patch.object(Writing, "write", reset_meanwhile), pytest.raises(CheckpointConflict):
        await engine.projections.commit(told(2, 3, (2, one_more())))
    assert (await totals(engine.read_models), await at(engine)) == ({}, (0, 2))
    await engine.projections.commit(told(0, 3, *[(offset, one_more()) for offset in range(3)], epoch=2))
    assert await totals(engine.read_models) == {"a": 3}


# -- generations -----------------------------------------------------------------------


async def test_a_lease_that_is_taken_while_a_swap_is_made_is_outdated_too(engine: CassandraEngine) -> None:
    await begin(engine)
    await begin(engine, 2)
    for generation in (0, 1):
        await fill(engine, generation, tally("a", generation))
    place = Place("p", 0, 1)
    change = GenerationTable.change

    async def meanwhile(self: GenerationTable, projection: str, deed: Callable[[Stage], tuple[Stage, None]]) -> None:
        for _ in range(3):
            lease = await engine.leases.acquire(place.lease, "worker", 30)
            assert lease is not None
            await engine.leases.release(lease)
        await change(self, projection, deed)

    with patch.object(GenerationTable, "change", meanwhile):
        assert await swap(engine, "p", 1)
    held = await engine.leases.acquire(place.lease, "worker", 30)
    assert held is not None
    for epoch in range(1, held.epoch):
        with pytest.raises(CheckpointConflict):
            await fill(engine, 1, tally("a", 9), start=5, next=6, epoch=epoch)


async def test_who_begins_next_takes_away_what_was_left(engine: CassandraEngine) -> None:
    for version in (1, 2):
        await begin(engine, version)
        await fill(engine, version - 1, tally("a", version))
    await engine.parking.park(parked_at(3, generation=1))
    with broken_off(Rows, "drop"), pytest.raises(StoreUnavailable):
        await engine.generations.drop("p", 1)
    assert "rm_conformance_tally_1" in await tables_of(engine)
    wanted = NewGeneration(projection="p", version=1, fingerprint="", key_ranges=1, models=[Tally])
    await engine.generations.begin(wanted, beside=False)
    assert "rm_conformance_tally_1" not in await tables_of(engine)
    assert list(await engine.parking.parked()) == []


async def tables_of(engine: CassandraEngine) -> set[str]:
    """The names of all tables of its keyspace."""
    names = f"SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{engine.location.keyspace}'"
    return {name for (name,) in await asyncio.to_thread(run, cassandra_url(), names)}


# -- counts ----------------------------------------------------------------------------


async def test_what_this_engine_changes_is_no_change_elsewhere(engine: CassandraEngine) -> None:
    wakeups = engine.wakeups
    assert isinstance(wakeups, KnowsOthers)
    await engine.projections.write([Insert(Tally(name="a"))])
    await engine.projections.commit(told(0, 1, (0, one_more())))
    before = await wakeups.changes_elsewhere([Tally])
    await engine.projections.write([Insert(Tally(name="b"))])
    await engine.projections.commit(told(1, 2, (1, one_more())))
    assert await wakeups.changes_elsewhere([Tally]) == before
    there = open_engine(f"{engine.location.shown}?partitions=1", EngineOptions())
    await there.open()
    await there.projections.commit(told(2, 3, (2, one_more())))
    await there.close()
    assert await wakeups.changes_elsewhere([Tally]) != before
