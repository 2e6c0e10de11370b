"""Writing changes: the words in step, sums in range, few statements for many changes, and locks in one sequence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated

import asyncpg
import pytest

from headwater.engines.postgres.changes import apply_changes
from headwater.engines.postgres.location import Location
from headwater.engines.postgres.statements import Statements
from headwater.errors import InvalidMessage
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update, Upsert
from headwater.models.fields import Scale
from headwater.models.model import Indexed, Key, ReadModel, Searchable
from tests.engines.postgres.stores import opened, reset, select, write
from tests.engines.servers import fresh_schema


class Person(ReadModel, table="person"):
    id: Key[str]
    name: Searchable[str] = ""
    note: Searchable[str | None] = None
    visits: int = 0


class Meter(ReadModel, table="meter"):
    id: Key[int]
    reading: int = 0
    least: int | None = None
    cost: Annotated[Decimal, Scale(2)] = Decimal(0)
    level: float = 0.0
    highest: int = 10


class Long(ReadModel, table="long"):
    id: Key[str]
    text: Indexed[str] = ""


ANNA = Person(id="p", name="Anna", note="first")


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema() as url:
        yield url


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Insert(Person(id="p", name="Bert")), {"bert"}),
        (Update(Person, "p", {"name": "Carl"}), {"carl", "first"}),
        (Update(Person, "p", {"visits": 1}), {"anna", "first"}),
        (Update(Person, "p", {"note": None}), {"anna"}),
        (Update(Person, "missing", {"name": "Nobody"}), {"anna", "first"}),
        (Upsert(Person, "p", {"name": "Dora"}, Person(id="p")), {"dora", "first"}),
        (Upsert(Person, "q", {"name": "Dora"}, Person(id="q", name="Dora")), {"anna", "first", "dora"}),
        (Delete(Person, "p"), set[str]()),
        (Accumulate(Person, "p", Person(id="p", name="new"), add={"visits": 1}), {"anna", "first"}),
        (Accumulate(Person, "q", Person(id="q", name="new"), add={"visits": 1}), {"anna", "first", "new"}),
        (Accumulate(Person, "p", Person(id="p"), max={"name": "Zoe"}), {"zoe", "first"}),
        (Accumulate(Person, "p", Person(id="p"), max={"note": "zoe"}), {"anna", "zoe"}),
        (Accumulate(Person, "p", Person(id="p"), max={"note": "carl"}), {"anna", "first"}),
        (Accumulate(Person, "p", Person(id="p"), min={"note": "carl"}), {"anna", "carl"}),
        (Accumulate(Person, "q", Person(id="q"), min={"note": "carl"}), {"anna", "first", "carl"}),
    ],
)
async def test_search_finds_what_the_rows_say_now(url: str, change: Change, words: set[str]) -> None:
    async with opened(url, Person) as engine:
        await write(engine, ANNA, Person(id="other", name="bystander"))
        await engine.projections.write([change])
        every = ["anna", "bert", "carl", "dora", "first", "new", "nobody", "zoe"]
        found = [word for word in every if await engine.read_models.search(Person, ["name", "note"], [word], 10)]
        assert set(found) == words
        assert len(await engine.read_models.search(Person, ["name"], ["bystander"], 10)) == 1


async def test_emptied_models_are_found_no_more(url: str) -> None:
    async with opened(url, Person) as engine:
        await write(engine, ANNA)
        await reset(engine, "people", Person)
        assert await engine.read_models.search(Person, ["name"], ["anna"], 10) == []
        await write(engine, ANNA)
        assert await engine.read_models.search(Person, ["name"], ["anna"], 10) == [ANNA]


@pytest.mark.parametrize(
    ("row", "add"),
    [
        (Meter(id=1, reading=2**63 - 1), {"reading": 1}),
        (Meter(id=1, reading=-(2**63)), {"reading": -1}),
        (Meter(id=1, cost=Decimal("92233720368547758.07")), {"cost": Decimal("0.01")}),
        (Meter(id=1, cost=Decimal("-92233720368547758.08")), {"cost": Decimal("-92233720368547758.08")}),
        (Meter(id=1, level=1.7e308), {"level": 1.7e308}),
    ],
)
async def test_a_sum_out_of_range_is_refused_and_nothing_is_written(
    url: str, row: Meter, add: dict[str, object]
) -> None:
    async with opened(url, Meter) as engine:
        await write(engine, row)
        too_much = Accumulate(Meter, 1, Meter(id=1), add=add)
        with pytest.raises(InvalidMessage, match="a sum in Meter would leave the range"):
            await engine.projections.write([Insert(Meter(id=2)), too_much])
        assert await engine.read_models.get(Meter, 1) == row
        assert await engine.read_models.get(Meter, 2) is None
        missing = Accumulate(Meter, 3, Meter(id=3, reading=row.reading, cost=row.cost, level=row.level), add=add)
        with pytest.raises(InvalidMessage):
            await engine.projections.write([missing])
        await engine.projections.write(
            [Accumulate(Meter, 1, Meter(id=1), add=dict.fromkeys(add, 0), min={"least": -5})]
        )
        assert await select(url, "SELECT least FROM meter") == [(-5,)]


async def test_a_value_too_long_for_its_index_is_refused_by_name(url: str) -> None:
    letters = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(4_000))
    async with opened(url, Long) as engine:
        with pytest.raises(InvalidMessage, match="a value in Long is too long for an index"):
            await write(engine, Long(id="a", text=letters))
        await write(engine, Long(id="a", text=letters[:800]))


async def test_what_starts_from_other_than_nothing_is_added_to_as_it_says(url: str) -> None:
    def more(key: int, level: float) -> Accumulate:
        missing = Meter(id=key, level=0.3, highest=10)
        return Accumulate(Meter, key, missing, add={"level": level}, max={"highest": 5}, min={"least": key})

    async with opened(url, Meter) as engine:
        await engine.projections.write([more(1, 0.1), more(2, 0.2)])
        await engine.projections.write([more(2, 0.1), Accumulate(Meter, 1, Meter(id=1), max={"highest": 11})])
        assert await select(url, "SELECT level, highest, least FROM meter ORDER BY id") == [
            (0.3 + 0.1, 11, 1),
            (0.3 + 0.2 + 0.1, 10, 2),
        ]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncpg.Connection, Statements]]:
    """A connection of the test's own, where no transaction runs again by itself."""
    location = Location.parse(url, {})
    connection = await asyncpg.connect(location.dsn)
    try:
        yield connection, Statements(location.schema, "events", "commands")
    finally:
        await connection.close()


async def traced(url: str, changes: list[Change]) -> list[str]:
    """The statements that these changes take, in order; not what the driver asks of types it has yet to meet."""
    said = list[str]()
    async with connected(url) as (connection, sql), connection.transaction():
        with connection.query_logger(lambda record: said.append(record.query)):
            await apply_changes(connection, sql, changes)
    return [sql for sql in said if sql.startswith(("SELECT count", "INSERT", "UPDATE", "DELETE"))]


async def test_changes_of_one_shape_take_one_statement_however_they_are_mixed(url: str) -> None:
    async with opened(url, Person, Meter):
        pass
    kinds: list[Callable[[int], Change]] = [
        lambda n: Insert(Meter(id=n)),
        lambda n: Accumulate(Meter, n + 1_000, Meter(id=n + 1_000), add={"reading": n}),
        lambda n: Update(Meter, n + 2_000, {"reading": n}),
    ]
    mixed = [kind(n) for n in range(100) for kind in kinds]
    said = [sql.partition(" ")[0] for sql in await traced(url, mixed)]
    assert said == ["SELECT", "INSERT", "INSERT", "UPDATE", "INSERT"]  # the locks first, the count of changes last
    assert await select(url, "SELECT count(*), sum(reading) FROM meter") == [(200, 4950)]
    assert len(await traced(url, [kinds[1](n) for n in range(100)])) == 2


async def test_changes_of_one_row_that_cannot_be_joined_keep_their_order(url: str) -> None:
    changes: list[Change] = [
        Accumulate(Meter, 1, Meter(id=1), add={"reading": 5}),
        Update(Meter, 1, {"reading": 100}),
        Accumulate(Meter, 1, Meter(id=1), add={"reading": 1}),
        Accumulate(Meter, 2, Meter(id=2), add={"reading": 7}),
    ]
    async with opened(url, Meter) as engine:
        await engine.projections.write(changes)
    assert await select(url, "SELECT id, reading FROM meter ORDER BY id") == [(1, 101), (2, 7)]


async def test_more_rows_than_go_at_once_are_all_written(url: str) -> None:
    async with opened(url, Meter) as engine:
        await write(engine, *[Meter(id=n, reading=n) for n in reversed(range(2_500))])
        await engine.projections.write([Delete(Meter, n) for n in range(0, 2_500, 2)])
        await engine.projections.write([Update(Meter, n, {"reading": -1}) for n in range(1_200)])
    assert await select(url, "SELECT count(*), sum(reading) FROM meter") == [(1_250, sum(range(1_201, 2_500, 2)) - 600)]


async def write_by_turns(url: str, number: int) -> None:
    """Changes of the same rows as all others make, in a sequence and by shapes of one's own."""
    keys = range(20) if number % 2 else range(19, -1, -1)
    async with connected(url) as (connection, sql):
        for turn in range(5):
            sums = [("reading", "cost")[(key + number + turn) % 2] for key in keys]
            changes: list[Change] = [
                Accumulate(Meter, key, Meter(id=key), add={name: 1}) for key, name in zip(keys, sums, strict=True)
            ]
            changes += [Accumulate(Person, f"{key}", Person(id=f"{key}"), add={"visits": 1}) for key in keys]
            async with connection.transaction():
                await apply_changes(connection, sql, changes if number % 3 else changes[::-1], partition=number)


async def test_who_writes_the_same_rows_waits_in_no_circle_and_loses_nothing(url: str) -> None:
    async with opened(url, Meter, Person) as engine:
        await write(engine, *[Meter(id=key) for key in range(20)], *[Person(id=f"{key}") for key in range(20)])
    await asyncio.gather(*[write_by_turns(url, number) for number in range(6)])
    assert await select(url, "SELECT sum(reading + cost)::int FROM meter") == [(20 * 5 * 6,)]
    assert await select(url, "SELECT sum(visits)::int FROM person") == [(20 * 5 * 6,)]


async def test_each_partition_moves_a_count_of_its_own(url: str) -> None:
    async with opened(url, Meter) as engine:
        for partition in (0, 1, 1):
            async with connected(url) as (connection, sql), connection.transaction():
                await apply_changes(connection, sql, [Insert(Meter(id=partition))], partition=partition)
        await write(engine, Meter(id=7))
        assert await engine.wakeups.changes([Meter, Person]) == [4, 0]
    counts = await select(url, "SELECT partition, changes FROM headwater_changes ORDER BY partition")
    assert counts == [(-1, 1), (0, 1), (1, 2)]
