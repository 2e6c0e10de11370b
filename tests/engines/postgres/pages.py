"""Pages and authors: what the tests of generations on PostgreSQL fill, and what other tools see of it."""

from __future__ import annotations

from headwater.engines.postgres.engine import PostgresEngine
from headwater.models.changes import Insert
from headwater.models.model import Indexed, Key, ReadModel, Searchable
from headwater.ports.generations import NewGeneration
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.testing.conformance.commits import swap
from tests.engines.postgres.stores import select

__all__ = ["Author", "Longer", "Page", "columns", "fill", "found", "swapped", "tables", "wanted"]


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


async def fill(
    engine: PostgresEngine, generation: int, *rows: ReadModel, start: int = 0, epoch: int = 1, projection: str = "p"
) -> None:
    changes = [Insert(row) for row in rows]
    place = Place(projection, 0, generation)
    await engine.projections.commit(
        ProjectionCommit(place=place, epoch=epoch, start=start, next=start + 1, changes=changes)
    )


async def swapped(engine: PostgresEngine) -> None:
    """Generation 1 served in place of 0, each with a row of its own."""
    await engine.generations.begin(wanted())
    await fill(engine, 0, Page(id="old", title="The old one"))
    await engine.generations.begin(wanted(version=2))
    await fill(engine, 1, Page(id="new", title="The new one"))
    assert await swap(engine, "p", 1)


async def tables(url: str) -> list[object]:
    """The tables that are none of the store's own."""
    own = "tablename LIKE 'headwater\\_%' OR tablename IN ('events', 'commands')"
    named = f"SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema AND NOT ({own}) ORDER BY 1"
    return [name for (name,) in await select(url, named)]


async def columns(url: str, table: str) -> set[tuple[object, ...]]:
    """Of what the indexes of a table are."""
    found = await select(
        url,
        """SELECT array_agg(a.attname::text ORDER BY a.attnum)
        FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indexrelid
        WHERE i.indrelid = to_regclass($1) GROUP BY i.indexrelid""",
        f'"{table}"',
    )
    return {tuple(names) for (names,) in found if isinstance(names, list)}


async def found(engine: PostgresEngine, *words: str) -> list[str]:
    return [row.id for row in await engine.read_models.search(Page, ["title"], words, 10)]
