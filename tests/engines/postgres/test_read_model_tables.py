"""Tables of read models in the database: what other tools see, how they change with their classes, and who may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import pytest

from headwater.engines.postgres.table import physical
from headwater.errors import StoreMismatch, UnknownName
from headwater.models.criteria import Compare, In, Order
from headwater.models.fields import Scale
from headwater.models.model import Indexed, Key, ReadModel, Searchable
from headwater.ports.read_models import Selection
from tests.engines.postgres.stores import opened, read_model, reset, select, write
from tests.engines.servers import fresh_schema

Money = Annotated[Decimal, Scale(2)]

BASE: dict[str, object] = {"id": Key[str], "name": Searchable[str], "total": Money}
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = $1 ORDER BY indexdef"
COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
    " WHERE table_schema = current_schema() ORDER BY 1, 2"
)


class Sample(ReadModel, table="sample", orders=[("-at", "text")]):
    id: Key[UUID]
    text: Indexed[str]
    count: int
    ratio: float
    open: bool
    total: Money
    at: datetime
    day: date
    raw: bytes
    tags: Indexed[list[str]]
    more: dict[str, object]
    nothing: Indexed[str | None] = None


SAMPLE = Sample(
    id=UUID(int=1),
    text="héllo",
    count=-3,
    ratio=0.5,
    open=True,
    total=Decimal("12.30"),
    at=datetime(2026, 1, 1, 0, 0, 0, 7, tzinfo=UTC),
    day=date(2026, 2, 3),
    raw=b"\0\xff",
    tags=["a", "ü"],
    more={"x": "\0", "n": 1e22},
)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema() as url:
        yield url


async def indexes(url: str, table: str) -> list[str]:
    """What the indexes of a table are made of."""
    return [str(definition).partition(" USING ")[2] for (definition,) in await select(url, INDEXES, table)]


async def test_other_tools_read_columns_of_their_own_types(url: str) -> None:
    async with opened(url, Sample) as engine:
        await write(engine, SAMPLE)
        assert await engine.read_models.get(Sample, UUID(int=1)) == SAMPLE
    (row,) = await select(url, "SELECT * FROM sample")
    assert row == (
        *(UUID(int=1), "héllo", -3, 0.5, True, Decimal("12.30"), SAMPLE.at, date(2026, 2, 3), b"\0\xff"),
        *('["a", "ü"]', '{"n":1e22,"x":"\\u0000"}', None),
    )
    types = {column: (kind, null) for _, column, kind, null, _ in await select(url, COLUMNS)}
    assert types["total"] == ("numeric", "NO")
    assert types["at"] == ("timestamp with time zone", "NO")
    assert types["raw"] == ("bytea", "NO")
    assert types["nothing"] == ("text", "YES")


@pytest.mark.parametrize("day", [date.min, date.max, date(1999, 12, 31)])
@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
async def test_the_first_and_the_last_moment_are_no_infinity(url: str, day: date, at: datetime) -> None:
    model = read_model("ends", {"id": Key[date], "at": Indexed[datetime]})
    async with opened(url, model) as engine:
        await write(engine, model(id=day, at=at))
        assert await engine.read_models.find(model, Selection(criteria=Compare("at", "==", at))) == [
            model(id=day, at=at)
        ]
        among = In("at", (at, at + timedelta(days=1 if at.year == 1 else -1)))
        assert await engine.read_models.count(model, among) == 1
        assert await engine.read_models.get(model, day) == model(id=day, at=at)
    (row,) = await select(url, "SELECT to_char(id, 'YYYY-MM-DD'), isfinite(id), isfinite(at) FROM ends")
    assert row == (day.isoformat(), True, True)


async def test_indexes_follow_the_declaration_and_what_was_added(url: str) -> None:
    async with opened(url, Sample) as engine:
        added = (Order("day"), Order("nothing", descending=True))
        for _ in range(2):
            await engine.read_model_schema.index(Sample, [added])
            await engine.read_model_schema.ensure([Sample])
        expected = [
            "btree (at DESC, text, id)",
            "btree (day, nothing DESC NULLS LAST, id)",
            "btree (id)",
            "btree (nothing NULLS FIRST, id)",
            "btree (text, id)",
            "gin (tags jsonb_path_ops)",
        ]
        assert sorted(await indexes(url, "sample")) == expected
        await reset(engine, "samples", Sample)
        assert sorted(await indexes(url, "sample")) == expected


async def test_a_new_field_with_a_default_is_added_in_place(url: str) -> None:
    old = read_model("view", BASE)
    async with opened(url, old) as engine:
        await write(engine, old(id="a", name="Anna", total=Decimal("1.00")))
    more: dict[str, object] = {
        "paid": Money,
        "seen": datetime | None,
        "made": datetime,
        "day": date,
        "by": Indexed[str],
        "tags": list[str],
        "rate": float,
        "mark": bytes,
        "known": bool,
    }
    defaults: dict[str, object] = {
        "paid": Decimal("0.50"),
        "seen": None,
        "made": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        "day": date(1, 2, 3),
        "by": "o'ne\\ two",
        "tags": [],
        "rate": 0.1 + 0.2,
        "mark": b"\0'\\",
        "known": True,
    }
    new = read_model("view", BASE | more, defaults)
    async with opened(url, new) as engine:
        expected = new(id="a", name="Anna", total=Decimal("1.00"))
        assert await engine.read_models.get(new, "a") == expected
        assert await engine.read_models.find(new, Selection(criteria=Compare("by", "==", "o'ne\\ two"))) == [expected]
        assert await engine.read_models.search(new, ["name"], ["an"], 10) == [expected]
        await write(engine, new(id="b", name="Bert", total=Decimal(0), by="two"))
    async with opened(url, new) as engine:
        assert await engine.read_models.count(new, Compare("rate", "==", 0.1 + 0.2)) == 2


@pytest.mark.parametrize("before", [{"id": Key[str], "total": Money}, BASE], ids=["the first", "another"])
async def test_a_new_searchable_field_finds_the_rows_there_are(url: str, before: dict[str, object]) -> None:
    old = read_model("view", before)
    async with opened(url, old) as engine:
        await engine.read_model_schema.index(old, [(Order("total"),)])
        rows = [{"id": key, "total": Decimal(1), "name": "Anna"} for key in "ab"]
        await write(engine, *[old(**{name: row[name] for name in before}) for row in rows])
    new = read_model("view", {**BASE, "note": Searchable[str]}, {"name": "Anna", "note": "Größe XL"})
    async with opened(url, new) as engine:
        found = await engine.read_models.search(new, ["name", "note"], ["grosse", "an"], 10)
        assert found == [new(id=key, total=Decimal(1)) for key in "ab"]
        assert "btree (total, id)" in await indexes(url, "view")
        await write(engine, new(id="a", total=Decimal(1), name="Bert"))
        assert await engine.read_models.search(new, ["name"], ["anna"], 10) == [new(id="b", total=Decimal(1))]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({**BASE, "more": str}, "View.more is new and has no default"),
        ({"id": Key[str], "name": Searchable[str]}, "View.total is no longer declared"),
        ({**BASE, "total": Annotated[Decimal, Scale(3)]}, r"View.total was decimal\(2\) and is declared decimal\(3\)"),
        ({**BASE, "name": str}, "View.name was searchable text and is declared text"),
        ({"id": str, "name": Key[str], "total": Money}, "View.name has become the key"),
    ],
)
async def test_any_other_difference_is_refused_until_it_is_rebuilt(
    url: str, fields: dict[str, object], said: str
) -> None:
    old, new = read_model("view", BASE), read_model("view", fields)
    async with opened(url, old) as engine:
        await write(engine, old(id="a", name="Anna", total=Decimal(1)))
        before = await select(url, COLUMNS)
        with pytest.raises(StoreMismatch, match=f"{said}.*`headwater projections rebuild view`"):
            await engine.read_model_schema.ensure([Sample, new])
        assert await select(url, COLUMNS) == before
        assert await engine.read_models.count(old, Compare("id", "==", "a")) == 1
        await reset(engine, "view", new)
        await engine.read_model_schema.ensure([new])
        assert await select(url, "SELECT count(*) FROM view") == [(0,)]


async def test_a_table_that_is_no_read_model_is_never_taken_or_dropped(url: str) -> None:
    async with opened(url) as engine:
        for name in ("events", "headwater_streams", "headwater_read_models"):
            model = read_model(name, {"id": Key[str]})
            with pytest.raises(StoreMismatch, match=f"'{name}' is there .* another table="):
                await engine.read_model_schema.ensure([model])
            with pytest.raises(StoreMismatch, match=f"'{name}' is there .* another table="):
                await reset(engine, "p", model)
        assert await select(url, "SELECT count(*) FROM events") == [(0,)]


async def test_a_model_without_a_table_is_named(url: str) -> None:
    async with opened(url) as engine:
        with pytest.raises(UnknownName, match="Sample has no table"):
            await engine.read_models.get(Sample, UUID(int=1))
        with pytest.raises(UnknownName, match="Sample has no table"):
            await write(engine, SAMPLE)


async def test_two_processes_may_ensure_at_once(url: str) -> None:
    models = [read_model(f"view_{number}", BASE) for number in range(5)]
    async with opened(url) as one, opened(url) as other:
        await asyncio.gather(*(engine.read_model_schema.ensure(models) for engine in (one, other) for _ in range(3)))
        await write(one, models[0](id="a", name="Anna", total=Decimal(1)))
        assert await other.read_models.get(models[0], "a") is not None
    assert len(await indexes(url, "view_0")) == 2


def test_a_name_too_long_for_the_database_gets_one_of_its_own() -> None:
    longest = "a" * 48 + "@" + "b" * 14
    assert physical(longest) == longest
    names = [physical(f"{longest}@{number}") for number in range(1_000)]
    assert len({*names}) == 1_000
    assert {len(name) for name in names} == {63}
    assert all("~" in name for name in names)
