"""Boundaries on SQLite: several on one file, and what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from headwater.domain.append import Append
from headwater.domain.boundary import AppendCondition, Boundary
from headwater.engines.sqlite import SqliteEngine, open_engine
from headwater.engines.sqlite.statements import Statements
from headwater.errors import BoundaryChanged
from headwater.ports.engine import EngineOptions
from headwater.testing.conformance.boundaries import boundaries, everything_within
from headwater.testing.conformance.boundary_contention import assert_bounds, subscribe
from headwater.testing.controls import ANN, BOB, append_of, new_event, write_of
from tests.engines.sqlite.test_migrations import opened, store_of_format

COURSES = [f"c{number}" for number in range(4)]
STUDENTS = [f"s{number}" for number in range(8)]


@pytest.fixture
async def other(engine: SqliteEngine, path: Path) -> AsyncIterator[SqliteEngine]:
    other = open_engine(f"sqlite:///{path}", EngineOptions())
    await other.open()
    yield other
    await other.close()


async def test_bounds_hold_for_two_on_one_file(engine: SqliteEngine, other: SqliteEngine) -> None:
    wishes = [(course, student) for student in STUDENTS for course in COURSES]
    takers = [(engine, other)[number % 2] for number in range(len(wishes))]
    taken = await asyncio.gather(*(subscribe(taker, *wish) for taker, wish in zip(takers, wishes, strict=True)))
    assert await assert_bounds(other, COURSES, STUDENTS) == sum(taken) == 12


async def test_what_the_other_has_committed_counts(engine: SqliteEngine, other: SqliteEngine) -> None:
    boundary = Boundary(tags=["course:c1"])
    for number in range(10):
        one, another = (engine, other) if number % 2 else (other, engine)
        _, mark = await everything_within(one, boundary)
        await another.events.append(append_of(ANN, [new_event(tags=("course:c1",))]))
        with pytest.raises(BoundaryChanged):
            await boundaries(one).append_within(
                Append(writes=(write_of(BOB),), conditions=(AppendCondition(boundary, mark),))
            )


async def test_events_without_tags_leave_the_table_alone(engine: SqliteEngine, path: Path) -> None:
    await engine.events.append(append_of(ANN, 100))
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT count(*) FROM headwater_tags").get == 0
    connection.close()


async def test_a_store_of_an_earlier_format_takes_tags(path: Path) -> None:
    store_of_format(path, 3)
    await opened(path, EngineOptions())
    engine = open_engine(f"sqlite:///{path}", EngineOptions())
    await engine.open()
    await engine.events.append(append_of(ANN, [new_event(tags=("course:c1",))]))
    assert len((await everything_within(engine, Boundary(tags=["course:c1"])))[0]) == 1
    await engine.close()


def test_one_tag_is_not_counted_first() -> None:
    """How rare it is, is asked only where there are several: the look at one of many events costs the same."""
    sql = Statements("events", "commands")
    connection = apsw.Connection(":memory:")
    connection.execute(";".join(sql.migrations))
    rows = [(f"course:c{number % 2}", number) for number in range(200_000)]
    connection.executemany(sql["insert_tag"], rows)
    steps = 0

    def step() -> bool:
        nonlocal steps
        steps += 1
        return False

    connection.set_progress_handler(step, 10)
    assert connection.execute(sql["has_tagged"], ('["course:c1"]', None, 0)).get == 1
    assert connection.execute(sql["has_tagged"], ('["course:c1"]', None, 199_999)).get == 1
    assert connection.execute(sql["has_tagged"], ('["course:c0"]', None, 199_999)).get is None
    assert steps < 100, "it walks over what is there"
    connection.close()
