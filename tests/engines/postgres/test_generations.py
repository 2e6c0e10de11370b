"""Generations in the database: the names of their tables, what a swap renames, and what other engines see of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.errors import CheckpointConflict, InvalidIdentifier, InvalidVersion, StoreMismatch
from headwater.models.criteria import All
from headwater.models.model import Key
from headwater.ports.place import Place
from headwater.ports.read_models import Selection
from headwater.testing.conformance.commits import swap
from tests.engines.postgres.pages import Author, Longer, Page, columns, fill, found, swapped, tables, wanted
from tests.engines.postgres.stores import opened, read_model, reset, select, write
from tests.engines.servers import fresh_schema


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(partitions="1") as url:
        yield url


# -- names -------------------------------------------------------------------


async def test_what_is_not_served_has_names_that_no_model_can_have(url: str) -> None:
    async with opened(url, Page) as engine:
        await engine.generations.begin(wanted())
        assert await tables(url) == ["page"]
        await engine.generations.begin(wanted(version=2))
        assert await tables(url) == ["page", "page@p@1"]
        assert len(await columns(url, "page@p@1")) == len(await columns(url, "page")) == 4
        await engine.generations.drop("p", 1)
        assert await tables(url) == ["page"]
        assert await select(url, "SELECT table_name FROM headwater_read_models") == [("page",)]


async def test_the_name_of_a_projection_becomes_part_of_them(url: str) -> None:
    async with opened(url, Page) as engine:
        for name in ("", 'p"; DROP TABLE events;--', "a.b", "a@b"):
            with pytest.raises(InvalidIdentifier):
                await engine.generations.begin(wanted(projection=name))
        with pytest.raises(InvalidVersion):
            await engine.generations.begin(wanted(key_ranges=0))
        assert list(await engine.generations.all()) == []


async def test_names_that_the_server_would_cut_stay_apart(url: str) -> None:
    models = [read_model(f"{'t' * 47}{end}", {"id": Key[str]}) for end in "ab"]
    projection = "p" * 48
    async with opened(url, *models) as engine:
        await engine.generations.begin(wanted(*models, projection=projection))
        for number in (1, 2, 3):
            await engine.generations.begin(wanted(*models, version=number + 1, projection=projection))
            rows = [model(id=f"{number} {place}") for place, model in enumerate(models)]
            await fill(engine, number, *rows, projection=projection)
            assert await swap(engine, projection, number)
            for model, row in zip(models, rows, strict=True):
                assert list(await engine.read_models.find(model, Selection())) == [row]
        previous = engine.generations.rows(projection, 2, models)
        assert list(await previous.find(models[1], Selection())) == [models[1](id="2 1")]
        names = [str(name) for name in await tables(url)]
        assert len(names) == 4
        assert all(len(name) <= 63 for name in names)


async def test_a_table_that_no_generation_made_is_left_alone(url: str) -> None:
    async with opened(url, Page) as engine:
        await engine.generations.begin(wanted())
        await select(url, 'CREATE TABLE "page@p@1" (theirs INTEGER)')
        with pytest.raises(StoreMismatch, match="'page@p@1' is there"):
            await engine.generations.begin(wanted(Author, Page, version=2))
        assert await tables(url) == ["page", "page@p@1"]
        await select(url, 'DROP TABLE "page@p@1"')
        assert (await engine.generations.begin(wanted(version=2))).number == 1


# -- the swap ----------------------------------------------------------------


async def test_a_swap_renames_tables_and_what_is_searched_with_them(url: str) -> None:
    async with opened(url, Page) as engine:
        await swapped(engine)
        assert await tables(url) == ["page", "page@p@0"]
        assert await select(url, "SELECT id FROM page") == [("new",)]
        assert await select(url, 'SELECT id FROM "page@p@0"') == [("old",)]
        assert [await found(engine, "new"), await found(engine, "old")] == [["new"], []]
        await write(engine, Page(id="late", title="A late one"))
        assert await found(engine, "late") == ["late"]
        old = engine.generations.rows("p", 0, [Page])
        assert [row.id for row in await old.search(Page, ["title"], ["one"], 10)] == ["old"]


async def test_a_swap_there_and_back_leaves_everything_as_it_was(url: str) -> None:
    async with opened(url, Page) as engine:
        before = await columns(url, "page")
        await swapped(engine)
        assert await columns(url, "page") == before
        assert await swap(engine, "p", 0)
        assert await tables(url) == ["page", "page@p@1"]
        assert await found(engine, "one") == ["old"]
        assert await columns(url, "page") == before
        await engine.read_model_schema.ensure([Page])
        assert await columns(url, "page") == before


async def test_the_former_previous_one_is_dropped(url: str) -> None:
    async with opened(url, Page) as engine:
        await swapped(engine)
        await engine.generations.begin(wanted(version=3))
        await fill(engine, 2)
        assert await swap(engine, "p", 2)
        assert await tables(url) == ["page", "page@p@1"]
        declared = await select(url, "SELECT table_name FROM headwater_read_models ORDER BY 1")
        assert declared == [("page",), ("page@p@1",)]


async def test_a_swap_that_finds_a_name_taken_changes_nothing(url: str) -> None:
    async with opened(url, Page, Author) as engine:
        await engine.generations.begin(wanted(Author, Page))
        await engine.generations.begin(wanted(Author, Page, version=2))
        await write(engine, Page(id="old", title="The old one"))
        await select(url, 'CREATE TABLE "page@p@0" (theirs INTEGER)')
        before = await tables(url)
        with pytest.raises(StoreMismatch, match="'page@p@0' is there"):
            await swap(engine, "p", 1)
        assert await tables(url) == before
        assert [each.state for each in await engine.generations.all("p")] == ["serving", "building"]
        await fill(engine, 0, Page(id="more", title="More of the old"))
        assert await found(engine, "old") == ["more", "old"]


async def test_another_class_takes_over_and_gives_back(url: str) -> None:
    async with opened(url, Page) as engine:
        await engine.generations.begin(wanted())
        await write(engine, Page(id="a", title="One", size=3))
        await engine.generations.begin(wanted(Longer, version=2))
        await fill(engine, 1, Longer(id="a", title="One", words=1))
        with pytest.raises(StoreMismatch, match=r"Longer\.size is no longer declared"):
            await engine.read_model_schema.ensure([Longer])
        for _ in range(3):  # statements prepared for the one table meet the other
            await swap(engine, "p", 1)
            await engine.read_model_schema.ensure([Longer])
            assert await engine.read_models.get(Longer, "a") == Longer(id="a", title="One", words=1)
            assert [row.words for row in await engine.read_models.find(Longer, Selection())] == [1]
            await swap(engine, "p", 0)
            await engine.read_model_schema.ensure([Page])
            assert await engine.read_models.get(Page, "a") == Page(id="a", title="One", size=3)
            assert [row.size for row in await engine.read_models.find(Page, Selection())] == [3]


async def test_models_come_and_go_with_their_generation(url: str) -> None:
    """An author's table is there before its first generation is served: whoever starts makes tables for its classes."""
    async with opened(url, Page, Author) as engine:
        await engine.generations.begin(wanted(Page))
        await engine.generations.begin(wanted(Author, version=2))
        await fill(engine, 1, Author(name="ann"))
        await write(engine, Page(id="a", title="One"))
        before = await engine.wakeups.changes([Page, Author])
        await swap(engine, "p", 1)
        assert await tables(url) == ["author", "author@p@0", "page@p@0"]
        assert await engine.read_models.count(Author, All()) == 1
        assert list(await engine.wakeups.changes([Page, Author])) == [count + 1 for count in before]
        await swap(engine, "p", 0)
        assert await tables(url) == ["author", "author@p@1", "page"]
        assert await engine.read_models.count(Page, All()) == 1


async def test_a_reset_makes_the_table_of_the_generation_anew(url: str) -> None:
    async with opened(url, Page) as engine:
        await swapped(engine)
        before = await columns(url, "page")
        await reset(engine, "q", Page)
        assert await tables(url) == ["page", "page@p@0"]
        assert await select(url, "SELECT id FROM page") == []
        assert await columns(url, "page") == before


# -- other engines -------------------------------------------------------------


async def test_others_see_a_swap_at_once(url: str) -> None:
    async with opened(url, Page) as one, opened(url, Page) as other:
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


async def test_others_commit_to_the_table_a_generation_has_now(url: str) -> None:
    async with opened(url, Page) as one, opened(url, Page) as other:
        await one.generations.begin(wanted())
        await fill(other, 0, Page(id="a", title="One"))
        await one.generations.begin(wanted(version=2))
        await fill(one, 1, Page(id="b", title="Two"))
        await swap(one, "p", 1)
        with pytest.raises(CheckpointConflict):
            await fill(other, 0, Page(id="late", title="Late"), start=1)
        await fill(other, 0, Page(id="c", title="Three"), start=1, epoch=2)
        await fill(other, 1, Page(id="d", title="Four"), start=1, epoch=2)
        assert await select(url, 'SELECT id FROM "page@p@0" ORDER BY id') == [("a",), ("c",)]
        assert await select(url, "SELECT id FROM page ORDER BY id") == [("b",), ("d",)]
        await one.generations.drop("p", 0)
        with pytest.raises(CheckpointConflict, match="has no generation 0 any more"):
            await fill(other, 0, start=2, epoch=9)


async def test_a_swap_outdates_the_lease_of_one_who_has_yet_to_commit(url: str) -> None:
    async with opened(url, Page) as engine:
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


async def test_two_stores_in_one_database_keep_out_of_each_others_way(url: str) -> None:
    async with fresh_schema(partitions="1") as elsewhere, opened(url, Page) as one, opened(elsewhere, Page) as other:
        for engine in (one, other):
            await swapped(engine)
        await fill(one, 1, Page(id="mine", title="Mine"), start=1, epoch=2)
        assert [await tables(each) for each in (url, elsewhere)] == [["page", "page@p@0"]] * 2
        assert await select(elsewhere, "SELECT id FROM page") == [("new",)]
