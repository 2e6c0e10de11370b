"""Generations in the file: the names of their tables, what a swap renames, and what other processes see of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.engines.sqlite import SqliteEngine
from headwater.errors import CheckpointConflict, InvalidIdentifier, InvalidVersion, StoreMismatch
from headwater.models.changes import Delete, Insert
from headwater.models.criteria import All, Order
from headwater.models.model import Indexed, Key, ReadModel, Searchable
from headwater.ports.generations import NewGeneration
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.ports.read_models import Selection
from headwater.testing.conformance.commits import swap
from tests.engines.sqlite.stores import opened, read_model, reset, select, write


class Page(ReadModel, table="page", orders=[("-size", "title")]):
    id: Key[str]
    title: Searchable[str]
    size: Indexed[int] = 0


class Longer(ReadModel, table="page"):
    """The same table as the next release declares it."""

    id: Key[str]
    title: Searchable[str]
    words: int


class Author(ReadModel, table="author"):
    name: Key[str]


def wanted(*models: type[ReadModel], version: int = 1, projection: str = "p", key_ranges: int = 1) -> NewGeneration:
    return NewGeneration(
        projection=projection, version=version, fingerprint="", key_ranges=key_ranges, models=models or (Page,)
    )


async def fill(engine: SqliteEngine, generation: int, *rows: ReadModel, start: int = 0, epoch: int = 1) -> None:
    changes = [Insert(row) for row in rows]
    place = Place("p", 0, generation)
    await engine.projections.commit(
        ProjectionCommit(place=place, epoch=epoch, start=start, next=start + 1, changes=changes)
    )


async def swapped(engine: SqliteEngine) -> None:
    """Generation 1 served in place of 0, each with a row of its own."""
    await engine.generations.begin(wanted())
    await fill(engine, 0, Page(id="old", title="The old one"))
    await engine.generations.begin(wanted(version=2))
    await fill(engine, 1, Page(id="new", title="The new one"))
    assert await swap(engine, "p", 1)


async def tables(folder: Path) -> list[object]:
    """The tables of read models and their search indexes."""
    named = "(name LIKE 'page%' OR name LIKE 'author%') AND name NOT LIKE '%search\\_%' ESCAPE '\\'"
    rows = await select(folder, f"SELECT name FROM sqlite_schema WHERE type = 'table' AND {named} ORDER BY name")
    return [name for (name,) in rows]


async def indexes(folder: Path, table: str) -> set[object]:
    rows = await select(folder, f"SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = '{table}'")
    return {name for (name,) in rows if not str(name).startswith("sqlite_")}


async def found(engine: SqliteEngine, *words: str) -> list[str]:
    return [row.id for row in await engine.read_models.search(Page, ["title"], words, 10)]


# -- names -------------------------------------------------------------------


async def test_what_is_not_served_has_names_that_no_model_can_have(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as engine:
        await engine.generations.begin(wanted())
        assert await tables(tmp_path) == ["page", "page__search"]
        await engine.generations.begin(wanted(version=2))
        assert await tables(tmp_path) == ["page", "page@p@1", "page@p@1__search", "page__search"]
        assert await indexes(tmp_path, "page@p@1") == {"page@p@1.size", "page@p@1.-size,title"}
        await engine.generations.drop("p", 1)
        assert await tables(tmp_path) == ["page", "page__search"]
        assert await select(tmp_path, "SELECT table_name FROM headwater_read_models") == [("page",)]


async def test_the_name_of_a_projection_becomes_part_of_them(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as engine:
        for name in ("", 'p"; DROP TABLE events;--', "a.b", "a@b"):
            with pytest.raises(InvalidIdentifier):
                await engine.generations.begin(wanted(projection=name))
        with pytest.raises(InvalidVersion):
            await engine.generations.begin(wanted(key_ranges=0))
        assert list(await engine.generations.all()) == []


async def test_a_table_that_no_generation_made_is_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as engine:
        await engine.generations.begin(wanted())
        await select(tmp_path, 'CREATE TABLE "page@p@1" (theirs INTEGER)')
        with pytest.raises(StoreMismatch, match="'page@p@1' is there"):
            await engine.generations.begin(wanted(Author, Page, version=2))
        assert await tables(tmp_path) == ["page", "page@p@1", "page__search"]
        await select(tmp_path, 'DROP TABLE "page@p@1"')
        assert (await engine.generations.begin(wanted(version=2))).number == 1


# -- the swap ----------------------------------------------------------------


async def test_a_swap_renames_tables_and_their_search_indexes(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as engine:
        await swapped(engine)
        assert await tables(tmp_path) == ["page", "page@p@0", "page@p@0__search", "page__search"]
        assert await select(tmp_path, "SELECT id FROM page") == [("new",)]
        assert await select(tmp_path, 'SELECT id FROM "page@p@0"') == [("old",)]
        assert [await found(engine, "new"), await found(engine, "old")] == [["new"], []]
        await write(engine, Page(id="late", title="A late one"))
        assert await found(engine, "late") == ["late"]
        old = engine.generations.rows("p", 0, [Page])
        assert [row.id for row in await old.search(Page, ["title"], ["one"], 10)] == ["old"]


async def test_a_swap_there_and_back_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as engine:
        await swapped(engine)
        assert await swap(engine, "p", 0)
        assert await tables(tmp_path) == ["page", "page@p@1", "page@p@1__search", "page__search"]
        assert await found(engine, "one") == ["old"]
        assert await indexes(tmp_path, "page") == {"page.size", "page.-size,title"}


async def test_the_former_previous_one_is_dropped(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as engine:
        await swapped(engine)
        await engine.generations.begin(wanted(version=3))
        await fill(engine, 2)
        assert await swap(engine, "p", 2)
        assert await tables(tmp_path) == ["page", "page@p@1", "page@p@1__search", "page__search"]
        declared = await select(tmp_path, "SELECT table_name FROM headwater_read_models ORDER BY 1")
        assert declared == [("page",), ("page@p@1",)]


async def test_a_swap_that_finds_a_name_taken_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, Page, Author) as engine:
        await engine.generations.begin(wanted(Author, Page))
        await engine.generations.begin(wanted(Author, Page, version=2))
        await write(engine, Page(id="old", title="The old one"))
        await select(tmp_path, 'CREATE TABLE "page@p@0" (theirs INTEGER)')
        before = await tables(tmp_path)
        with pytest.raises(StoreMismatch, match="'page@p@0' is there"):
            await swap(engine, "p", 1)
        assert await tables(tmp_path) == before
        assert [each.state for each in await engine.generations.all("p")] == ["serving", "building"]
        await fill(engine, 0, Page(id="more", title="More of the old"))
        assert await found(engine, "old") == ["more", "old"]


async def test_another_class_takes_over_and_gives_back(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as engine:
        await engine.generations.begin(wanted())
        await write(engine, Page(id="a", title="One", size=3))
        await engine.generations.begin(wanted(Longer, version=2))
        await fill(engine, 1, Longer(id="a", title="One", words=1))
        with pytest.raises(StoreMismatch, match=r"Longer\.size is no longer declared"):
            await engine.read_model_schema.ensure([Longer])
        await swap(engine, "p", 1)
        await engine.read_model_schema.ensure([Longer])
        assert await engine.read_models.get(Longer, "a") == Longer(id="a", title="One", words=1)
        await swap(engine, "p", 0)
        await engine.read_model_schema.ensure([Page])
        assert await engine.read_models.get(Page, "a") == Page(id="a", title="One", size=3)


async def test_models_come_and_go_with_their_generation(tmp_path: Path) -> None:
    """An author's table is there before its first generation is served: whoever starts makes tables for its classes."""
    async with opened(tmp_path, Page, Author) as engine:
        await engine.generations.begin(wanted(Page))
        await engine.generations.begin(wanted(Author, version=2))
        await fill(engine, 1, Author(name="ann"))
        await write(engine, Page(id="a", title="One"))
        before = await engine.wakeups.changes([Page, Author])
        await swap(engine, "p", 1)
        assert await tables(tmp_path) == ["author", "author@p@0", "page@p@0", "page@p@0__search"]
        assert await engine.read_models.count(Author, All()) == 1
        assert list(await engine.wakeups.changes([Page, Author])) == [count + 1 for count in before]
        await swap(engine, "p", 0)
        assert await tables(tmp_path) == ["author", "author@p@1", "page", "page__search"]
        assert await engine.read_models.count(Page, All()) == 1


# -- indexes -----------------------------------------------------------------


async def test_indexes_that_were_added_are_made_beside(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as engine:
        await engine.generations.begin(wanted())
        await engine.read_model_schema.index(Page, [(Order("title"),)])
        await engine.generations.begin(wanted(version=2))
        assert "page@p@1.title" in await indexes(tmp_path, "page@p@1")


async def test_an_index_is_found_by_its_order_whatever_its_table_was_called(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as engine:
        await swapped(engine)
        made_beside = {"page@p@1.size", "page@p@1.-size,title"}
        assert await indexes(tmp_path, "page") == made_beside
        await engine.read_model_schema.ensure([Page])
        assert await indexes(tmp_path, "page") == made_beside
        assert await indexes(tmp_path, "page@p@0") == {"page.size", "page.-size,title"}


async def test_an_index_is_made_where_another_table_holds_its_name(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as engine:
        await swapped(engine)
        await reset(engine, "q", Page)
        assert {str(name).partition(".")[2] for name in await indexes(tmp_path, "page")} == {"size", "-size,title"}
        assert await indexes(tmp_path, "page@p@0") == {"page.size", "page.-size,title"}
        plan = await select(tmp_path, "EXPLAIN QUERY PLAN SELECT * FROM page WHERE size = 1")
        assert "INDEX page+" in str(plan)


# -- other processes -----------------------------------------------------------


async def test_others_see_a_swap_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as one, opened(tmp_path, Page) as other:
        await one.generations.begin(wanted())
        await fill(other, 0, Page(id="old", title="The old one"))
        await one.generations.begin(wanted(version=2))
        await fill(other, 1, Page(id="new", title="The new one"))
        rows = other.generations.rows("p", 1, [Page])
        for served, id in ((1, "new"), (0, "old"), (1, "new")):
            await swap(one, "p", served)
            assert [row.id for row in await other.read_models.find(Page, Selection())] == [id]
            assert await found(other, "one") == [id]
            assert [row.id for row in await rows.find(Page, Selection())] == ["new"]
            await write(other, Page(id=f"written {served}", title="Some"))
            assert await other.read_models.get(Page, f"written {served}") is not None
            await other.projections.write([Delete(Page, f"written {served}")])


async def test_others_commit_to_the_table_a_generation_has_now(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as one, opened(tmp_path, Page) as other:
        await one.generations.begin(wanted())
        await fill(other, 0, Page(id="a", title="One"))
        await one.generations.begin(wanted(version=2))
        await fill(one, 1, Page(id="b", title="Two"))
        await swap(one, "p", 1)
        with pytest.raises(CheckpointConflict):
            await fill(other, 0, Page(id="late", title="Late"), start=1)
        await fill(other, 0, Page(id="c", title="Three"), start=1, epoch=2)
        await fill(other, 1, Page(id="d", title="Four"), start=1, epoch=2)
        assert await select(tmp_path, 'SELECT id FROM "page@p@0" ORDER BY id') == [("a",), ("c",)]
        assert await select(tmp_path, "SELECT id FROM page ORDER BY id") == [("b",), ("d",)]
        await one.generations.drop("p", 0)
        with pytest.raises(CheckpointConflict, match="has no generation 0 any more"):
            await fill(other, 0, start=2, epoch=9)


async def test_a_swap_outdates_the_lease_of_one_who_has_yet_to_commit(tmp_path: Path) -> None:
    async with opened(tmp_path, Page) as engine:
        await engine.generations.begin(wanted())
        place = Place("p", 0, 0)
        for owner in ("first", "second", "third"):
            lease = await engine.leases.acquire(place.lease, owner, 10)
            assert lease is not None
            await engine.leases.release(lease)
        await fill(engine, 0)
        held = await engine.leases.acquire(place.lease, "at work", 10)
        assert held is not None
        await engine.generations.begin(wanted(version=2))
        await swap(engine, "p", 1, force=True)
        with pytest.raises(CheckpointConflict):
            await fill(engine, 0, start=1, epoch=held.epoch)
        await engine.leases.release(held)
        again = await engine.leases.acquire(place.lease, "at work", 10)
        assert again is not None
        await fill(engine, 0, start=1, epoch=again.epoch)


async def test_one_generation_after_the_other(tmp_path: Path) -> None:
    models = [read_model(f"page_{number}", {"id": Key[str], "text": Searchable[str]}) for number in range(5)]
    async with opened(tmp_path, *models) as engine:
        for version in range(1, 8):
            generation = await engine.generations.begin(wanted(*models, version=version))
            rows = [model(id=f"{version}", text="some text") for model in models]
            await fill(engine, generation.number, *rows)
            assert version == 1 or await swap(engine, "p", generation.number)
            for model, row in zip(models, rows, strict=True):
                assert await engine.read_models.search(model, ["text"], ["some"], 9) == [row]
        assert len(await tables(tmp_path)) == 4 * len(models)
