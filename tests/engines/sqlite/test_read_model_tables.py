"""Tables of read models in the file: what other tools see, how they change with their classes, and who may not."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from uuid import UUID

import pytest

from headwater.errors import BadDeclaration, StoreMismatch, UnknownName
from headwater.models.criteria import Compare, Order
from headwater.models.fields import Scale
from headwater.models.model import Indexed, Key, ReadModel, Searchable, schema_of
from headwater.ports.read_models import Selection
from tests.engines.sqlite.stores import opened, read_model, reset, select, write

Money = Annotated[Decimal, Scale(2)]

BASE: dict[str, object] = {"id": Key[str], "name": Searchable[str], "total": Money}


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
    tags: list[str]
    nothing: str | None = None


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
)


async def test_other_tools_read_plain_columns(tmp_path: Path) -> None:
    async with opened(tmp_path, Sample) as engine:
        await write(engine, SAMPLE)
        assert await engine.read_models.get(Sample, UUID(int=1)) == SAMPLE
    (row,) = await select(tmp_path, "SELECT * FROM sample")
    at = 1_767_225_600_000_007
    assert row == (
        *("00000000-0000-0000-0000-000000000001", "héllo", -3, 0.5, 1, 1230, at),
        *("2026-02-03", b"\0\xff", '["a","ü"]', None),
    )
    columns = {
        name: (kind, required) for _, name, kind, required, *_ in await select(tmp_path, "PRAGMA table_info(sample)")
    }
    assert columns["total"] == ("INTEGER", 1)
    assert columns["raw"] == ("BLOB", 1)
    assert columns["nothing"] == ("TEXT", 0)


async def test_indexes_follow_the_declaration_and_what_was_added(tmp_path: Path) -> None:
    async with opened(tmp_path, Sample) as engine:
        added = (Order("day"), Order("count", descending=True))
        for _ in range(2):
            await engine.read_model_schema.index(Sample, [added])
        names = {name for _, name, *_ in await select(tmp_path, "PRAGMA index_list(sample)")}
        assert {"sample.text", "sample.-at,text", "sample.day,-count"} < names
        await reset(engine, "samples", Sample)
        assert names == {name for _, name, *_ in await select(tmp_path, "PRAGMA index_list(sample)")}


async def test_a_new_field_with_a_default_is_added_in_place(tmp_path: Path) -> None:
    old = read_model("view", BASE)
    async with opened(tmp_path, old) as engine:
        await write(engine, old(id="a", name="Anna", total=Decimal("1.00")))
    more: dict[str, object] = {
        "paid": Money,
        "seen": datetime | None,
        "by": Indexed[str],
        "tags": list[str],
        "rate": float,
    }
    new = read_model(
        "view", BASE | more, {"paid": Decimal("0.50"), "seen": None, "by": "o'ne", "tags": [], "rate": 0.25}
    )
    async with opened(tmp_path, new) as engine:
        expected = new(id="a", name="Anna", total=Decimal("1.00"))
        assert await engine.read_models.get(new, "a") == expected
        assert await engine.read_models.find(new, Selection(criteria=Compare("by", "==", "o'ne"))) == [expected]
        assert await engine.read_models.search(new, ["name"], ["an"], 10) == [expected]
        await write(engine, new(id="b", name="Bert", total=Decimal(0), by="two"))
    async with opened(tmp_path, new) as engine:
        assert await engine.read_models.count(new, Compare("rate", "==", 0.25)) == 2


@pytest.mark.parametrize("before", [{"id": Key[str], "total": Money}, BASE], ids=["the first", "another"])
async def test_a_new_searchable_field_finds_the_rows_there_are(tmp_path: Path, before: dict[str, object]) -> None:
    old = read_model("view", before)
    async with opened(tmp_path, old) as engine:
        await engine.read_model_schema.index(old, [(Order("total"),)])
        rows = [{"id": key, "total": Decimal(1), "name": "Anna"} for key in "ab"]
        await write(engine, *[old(**{name: row[name] for name in before}) for row in rows])
    new = read_model("view", {**BASE, "note": Searchable[str]}, {"name": "Anna", "note": "Größe XL"})
    async with opened(tmp_path, new) as engine:
        found = await engine.read_models.search(new, ["name", "note"], ["grosse", "an"], 10)
        assert found == [new(id=key, total=Decimal(1)) for key in "ab"]
        assert "view.total" in [name for _, name, *_ in await select(tmp_path, "PRAGMA index_list(view)")]
        await write(engine, new(id="a", total=Decimal(1), name="Bert"))
        assert await engine.read_models.search(new, ["name"], ["anna"], 10) == [new(id="b", total=Decimal(1))]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({**BASE, "more": str}, "View.more is new and has no default"),
        ({"id": Key[str], "name": Searchable[str]}, "View.total is no longer declared"),
        ({**BASE, "total": Annotated[Decimal, Scale(3)]}, r"View.total was decimal\(2\) and is declared decimal\(3\)"),
        ({**BASE, "total": Money | None}, r"View.total was decimal\(2\) and is declared optional decimal\(2\)"),
        ({**BASE, "name": str}, "View.name was searchable text and is declared text"),
        ({"id": str, "name": Key[str], "total": Money}, "View.name has become the key"),
        ({**BASE, "id": Key[int]}, "View.id was text and is declared integer"),
    ],
)
async def test_any_other_difference_is_refused_until_it_is_rebuilt(
    tmp_path: Path, fields: dict[str, object], said: str
) -> None:
    old, new = read_model("view", BASE), read_model("view", fields)
    async with opened(tmp_path, old) as engine:
        await write(engine, old(id="a", name="Anna", total=Decimal(1)))
        before = await select(tmp_path, "SELECT sql FROM sqlite_schema ORDER BY name")
        with pytest.raises(StoreMismatch, match=f"{said}.*`headwater projections rebuild view`"):
            await engine.read_model_schema.ensure([Sample, new])
        assert await select(tmp_path, "SELECT sql FROM sqlite_schema ORDER BY name") == before
        assert await engine.read_models.count(old, Compare("id", "==", "a")) == 1
        await reset(engine, "view", new)
        await engine.read_model_schema.ensure([new])
        assert await select(tmp_path, "SELECT count(*) FROM view") == [(0,)]


async def test_a_table_that_is_no_read_model_is_never_taken_or_dropped(tmp_path: Path) -> None:
    async with opened(tmp_path, read_model("view", BASE)) as engine:
        for name in ("events", "headwater_streams", "headwater_read_models", "view__search", "view__search_data"):
            model = read_model(name, {"id": Key[str]})
            with pytest.raises(StoreMismatch, match=f"'{name}' is there .* another table="):
                await engine.read_model_schema.ensure([model])
            with pytest.raises(StoreMismatch, match=f"'{name}' is there .* another table="):
                await reset(engine, "p", model)
        assert list(await engine.projections.checkpoints()) == []
        with pytest.raises(BadDeclaration, match="sqlite_"):
            await engine.read_model_schema.ensure([read_model("sqlite_view", {"id": Key[str]})])
        assert (await engine.admin.info()).events == 0


async def test_a_model_without_a_table_is_named(tmp_path: Path) -> None:
    async with opened(tmp_path) as engine:
        with pytest.raises(UnknownName, match="Sample has no table"):
            await engine.read_models.get(Sample, UUID(int=1))
        with pytest.raises(UnknownName, match="Sample has no table"):
            await write(engine, SAMPLE)


async def test_two_processes_may_ensure_at_once(tmp_path: Path) -> None:
    models = [read_model(f"view_{number}", BASE) for number in range(5)]
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await asyncio.gather(*(engine.read_model_schema.ensure(models) for engine in (one, other) for _ in range(3)))
        await write(one, models[0](id="a", name="Anna", total=Decimal(1)))
        assert await other.read_models.get(models[0], "a") is not None


async def test_vacuum_keeps_the_search_in_step(tmp_path: Path) -> None:
    model = read_model("view", BASE)
    async with opened(tmp_path, model) as engine:
        await write(engine, *[model(id=f"{n}", name=f"name{n}", total=Decimal(0)) for n in range(20)])
    await select(tmp_path, "DELETE FROM view WHERE id < '2'")
    await select(tmp_path, "VACUUM")
    async with opened(tmp_path, model) as engine:
        found = await engine.read_models.search(model, ["name"], ["name7"], 10)
        assert [schema_of(model).key_of(row) for row in found] == ["7"]


async def test_a_reset_touches_no_table_of_another_model(tmp_path: Path) -> None:
    """`view__search` is a model's name as good as any, as long as `view` has nothing to search."""
    view, other = read_model("view", {"id": Key[str]}), read_model("view__search", {"id": Key[str]})
    async with opened(tmp_path, view, other) as engine:
        await write(engine, view(id="a"), other(id="b"))
        await reset(engine, "view", view)
        assert await engine.read_models.get(view, "a") is None
        assert await engine.read_models.get(other, "b") == other(id="b")
