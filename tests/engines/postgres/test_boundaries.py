"""Boundaries on PostgreSQL: several engines at once, and what the server does for a look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import asyncpg
import pytest

from headwater.domain.append import Append
from headwater.domain.boundary import AppendCondition, Boundary
from headwater.engines.postgres.engine import PostgresEngine
from headwater.engines.postgres.location import Location
from headwater.engines.postgres.statements import Statements
from headwater.errors import BoundaryChanged
from headwater.testing.conformance.boundaries import boundaries, everything_within
from headwater.testing.conformance.boundary_contention import assert_bounds, subscribe
from headwater.testing.controls import ANN, append_of, new_event, write_of
from tests.engines.postgres.stores import opened, select
from tests.engines.servers import fresh_schema

COURSES = [f"c{number}" for number in range(4)]
STUDENTS = [f"s{number}" for number in range(8)]
EVENTS = 20_000


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(partitions="4") as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[PostgresEngine]:
    async with opened(url) as engine:
        yield engine


async def test_bounds_hold_for_two_engines(engine: PostgresEngine, url: str) -> None:
    wishes = [(course, student) for student in STUDENTS for course in COURSES]
    async with opened(url) as other:
        takers = [(engine, other)[number % 2] for number in range(len(wishes))]
        taken = await asyncio.gather(*(subscribe(taker, *wish) for taker, wish in zip(takers, wishes, strict=True)))
        assert await assert_bounds(other, COURSES, STUDENTS) == sum(taken) == 12


async def test_ordinary_appends_of_another_engine_are_never_missed(engine: PostgresEngine, url: str) -> None:
    """They lock one partition, the condition all."""
    boundary = Boundary(tags=["course:c1"])

    async def write(other: PostgresEngine) -> None:
        for number in range(40):
            stream = ANN.of("user", f"s{number % 7}")
            await other.events.append(append_of(stream, [new_event(tags=("course:c1",))]))

    async with opened(url) as other:
        writing = asyncio.create_task(write(other))
        read, mark = await everything_within(engine, boundary)
        counts: list[int] = []
        while len(read) < 40:
            event = new_event(data=b"%d" % len(read), tags=("counts:c1",))
            append = Append(writes=(write_of(ANN, [event]),), conditions=(AppendCondition(boundary, mark),))
            try:
                await boundaries(engine).append_within(append)
                counts.append(len(read))
            except BoundaryChanged:
                new, mark = await everything_within(engine, boundary, mark)
                assert new
                read += new
        await writing
    log = await select(
        url,
        """SELECT convert_from(counting.data, 'UTF8')::int, (
            SELECT count(*) FROM headwater_tags AS tagged JOIN events AS counted USING (partition, "offset")
            WHERE tagged.tag = 'course:c1' AND counted.xmin::text::bigint < counting.xmin::text::bigint
        )
        FROM headwater_tags AS tagged JOIN events AS counting USING (partition, "offset")
        WHERE tagged.tag = 'counts:c1'
        ORDER BY counting.version""",
    )
    assert log == [(count, count) for count in counts], "what was counted is not what was committed by then"


async def explained(url: str, name: str, *values: object) -> str:
    location = Location.parse(url, {})
    sql = Statements(location.schema, "events", "commands")
    connection = await asyncpg.connect(location.dsn)
    rows = await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF) {sql[name]}", *values)
    await connection.close()
    return "\n".join(cast("str", row[0]) for row in rows)


@pytest.mark.parametrize("analysed", [False, True])
async def test_a_look_and_a_read_are_served_by_indexes(engine: PostgresEngine, url: str, analysed: bool) -> None:
    """Also before the server knows how much there is."""
    await select(
        url,
        """INSERT INTO events
        SELECT n % 4, n / 4, 'user-u' || n % 100, n / 100 + 1, gen_random_uuid(), n, 'Seen', 1, '{}', '', NULL, 0
        FROM generate_series(0, $1 - 1) AS n""",
        EVENTS,
    )
    await select(
        url,
        """INSERT INTO headwater_tags
        SELECT tag, partition, "offset" FROM events,
            LATERAL (VALUES ('tenant:t1'), ('course:c' || "offset" % 500), ('student:' || stream)) AS tags (tag)""",
    )
    if analysed:
        await select(url, "ANALYZE")
    tags, types = ['["course:c7", "tenant:t1"]', '["student:user-u3"]'], ['["Seen"]', None]
    wanted = [(n, tags[n], types[n], p, EVENTS // 4 - 20) for n in range(2) for p in range(4)]
    look = await explained(url, "look_at_boundaries", *map(list, zip(*wanted, strict=True)))
    read = await explained(url, "read_tagged", tags, types, [0, 1, 2, 3], [0, 0, 0, 0], 3)
    for plan in (look, read):
        assert "Seq Scan on headwater_tags" not in plan
        assert "Seq Scan on events" not in plan
        assert "headwater_tags_pkey" in plan
    assert "Index Cond: ((tag = CASE" in look
