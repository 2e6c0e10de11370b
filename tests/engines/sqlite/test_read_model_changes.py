"""Writing changes: the search index in step, sums in range, and few statements for many changes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import apsw
import pytest

from headwater.engines.sqlite.changes import apply_changes
from headwater.engines.sqlite.statements import Statements
from headwater.errors import InvalidMessage
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update, Upsert
from headwater.models.fields import Scale
from headwater.models.model import Key, ReadModel, Searchable
from tests.engines.sqlite.stores import file_of, opened, reset, select, write


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


ANNA = Person(id="p", name="Anna", note="first")


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
    ],
)
async def test_search_finds_what_the_rows_say_now(tmp_path: Path, change: Change, words: set[str]) -> None:
    async with opened(tmp_path, Person) as engine:
        await write(engine, ANNA, Person(id="other", name="bystander"))
        await engine.projections.write([change])
        every = ["anna", "bert", "carl", "dora", "first", "new", "nobody", "zoe"]
        found = [word for word in every if await engine.read_models.search(Person, ["name", "note"], [word], 10)]
        assert set(found) == words
        assert len(await engine.read_models.search(Person, ["name"], ["bystander"], 10)) == 1


async def test_emptied_models_are_found_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path, Person) as engine:
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
        (Meter(id=1, level=1.7e308), {"level": 1.7e308}),
    ],
)
async def test_a_sum_out_of_range_is_refused_and_nothing_is_written(
    tmp_path: Path, row: Meter, add: dict[str, object]
) -> None:
    async with opened(tmp_path, Meter) as engine:
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
        assert await select(tmp_path, f"SELECT typeof({next(iter(add))}), least FROM meter") == [
            ("real" if "level" in add else "integer", -5)
        ]


def traced(folder: Path, changes: list[Change]) -> list[str]:
    """The statements that these changes take, in order, repeats of one statement told once."""
    said: list[str] = []
    connection = apsw.Connection(str(file_of(folder)))

    def hear(_cursor: apsw.Cursor, sql: str, _bindings: object) -> bool:
        said.append(sql)
        return True

    connection.exec_trace = hear
    with connection:
        said.clear()
        apply_changes(connection, Statements("events", "commands"), changes)
        statements = list(dict.fromkeys(said))
    connection.close()
    return statements


async def test_changes_of_one_shape_take_one_statement_however_they_are_mixed(tmp_path: Path) -> None:
    async with opened(tmp_path, Person, Meter):
        pass
    kinds: list[Callable[[int], Change]] = [
        lambda n: Insert(Meter(id=n)),
        lambda n: Accumulate(Meter, n + 1_000, Meter(id=n + 1_000), add={"reading": n}),
        lambda n: Update(Meter, n + 2_000, {"reading": n}),
    ]
    mixed = [kind(n) for n in range(100) for kind in kinds]
    written = [sql for sql in traced(tmp_path, mixed) if "headwater_changes" not in sql]
    assert len(written) == 3
    assert await select(tmp_path, "SELECT count(*), sum(reading) FROM meter") == [(200, 4950)]


async def test_changes_of_one_row_that_cannot_be_joined_keep_their_order(tmp_path: Path) -> None:
    changes: list[Change] = [
        Accumulate(Meter, 1, Meter(id=1), add={"reading": 5}),
        Update(Meter, 1, {"reading": 100}),
        Accumulate(Meter, 1, Meter(id=1), add={"reading": 1}),
        Accumulate(Meter, 2, Meter(id=2), add={"reading": 7}),
    ]
    async with opened(tmp_path, Meter) as engine:
        await engine.projections.write(changes)
    assert await select(tmp_path, "SELECT id, reading FROM meter ORDER BY id") == [(1, 101), (2, 7)]


async def test_values_that_change_no_searchable_field_leave_the_index_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, Person) as engine:
        await write(engine, ANNA)
    statements = traced(tmp_path, [Update(Person, "p", {"visits": 2})])
    assert not any("search" in sql for sql in statements)
