"""Indexes that are declared later, for tables that have rows: nobody waits for them, what broke off is mended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from headwater.engines.postgres.location import Location
from headwater.errors import StoreBusy
from headwater.models.criteria import Order
from headwater.models.model import Indexed, Key, Searchable
from tests.engines.postgres.stores import opened, read_model, select, write
from tests.engines.servers import fresh_schema

PATIENCE = 60.0
"""Seconds that nothing here takes, unless it waits for who never ends."""
OLD = read_model("view", {"id": Key[str], "size": int})
NEW = read_model("view", {"id": Key[str], "size": Indexed[int]})
MORE = read_model(
    "view",
    {"id": Key[str], "size": Indexed[int], "name": Searchable[str], "tags": Indexed[list[str]]},
    {"name": "Anna", "tags": []},
)
INDEXES = """
SELECT substring(pg_get_indexdef(i.indexrelid) FROM 'USING (.*)'), i.indisvalid
FROM pg_index AS i WHERE i.indrelid = to_regclass('view') AND NOT i.indisprimary ORDER BY 1
"""
BUILDING = """
SELECT pid FROM pg_stat_activity
WHERE query LIKE '% INDEX CONCURRENTLY %' AND query LIKE '%' || current_schema || '%' AND pid <> pg_backend_pid()
    AND wait_event_type = 'Lock'
"""
SIZE = ("btree (size, id)", True)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """Whoever waits for a lock is refused soon."""
    async with fresh_schema(partitions="1") as url:
        async with opened(url, OLD) as engine:
            await write(engine, *[OLD(id=key, size=0) for key in "abc"])
        yield f"{url}&lock_timeout=0.1"


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[None]:
    """Somebody else has written to the table, and takes long to commit."""
    location = Location.parse(url, {})
    connection = await asyncpg.connect(location.dsn, server_settings={"search_path": location.schema})
    try:
        async with connection.transaction():
            await connection.execute("UPDATE view SET size = 1 WHERE id = 'a'")
            yield
    finally:
        await connection.close()


async def until_it_waits(url: str) -> object:
    """For who writes; the number of its session."""
    while True:
        for (pid,) in await select(url, BUILDING):
            return pid


async def test_others_write_while_an_index_is_built(url: str) -> None:
    async with asyncio.timeout(PATIENCE), opened(url) as one, opened(url) as other:
        async with writing(url):
            building = asyncio.create_task(one.read_model_schema.ensure([NEW]))
            await until_it_waits(url)
            for size in range(20):
                await write(other, NEW(id="b", size=size))
            assert not building.done()
        await building
        assert await select(url, INDEXES) == [SIZE]


async def test_one_that_was_broken_off_is_dropped_and_built_again(url: str) -> None:
    async with asyncio.timeout(PATIENCE), opened(url) as engine:
        for _ in range(2):
            async with writing(url):
                building = asyncio.create_task(engine.read_model_schema.ensure([NEW]))
                await select(url, "SELECT pg_cancel_backend($1)", await until_it_waits(url))
                with pytest.raises(StoreBusy):
                    await building
            assert await select(url, INDEXES) == [(SIZE[0], False)]
        await engine.read_model_schema.ensure([NEW])
        assert await select(url, INDEXES) == [SIZE]


async def test_of_several_processes_each_goes_on_when_all_are_built(url: str) -> None:
    patient = url.removesuffix("&lock_timeout=0.1")
    async with asyncio.timeout(PATIENCE), opened(patient) as one, opened(patient) as other:
        await asyncio.gather(*(engine.read_model_schema.ensure([MORE]) for engine in (one, other)))
        found = [*await select(url, INDEXES)]
        assert found == [SIZE, ("gin (_search_name)", True), ("gin (tags jsonb_path_ops)", True)]
        order = (Order("size", descending=True),)
        await asyncio.gather(*(engine.read_model_schema.index(MORE, [order]) for engine in (one, other)))
        assert len(await select(url, INDEXES)) == 4


async def test_an_index_of_somebody_else_is_left_alone(url: str) -> None:
    async with asyncio.timeout(PATIENCE), opened(url) as engine:
        await select(url, "CREATE INDEX theirs ON view (size) WHERE size > 3")
        await engine.read_model_schema.ensure([NEW])
        assert len(await select(url, INDEXES)) == 2
