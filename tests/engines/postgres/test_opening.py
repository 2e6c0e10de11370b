"""Opening a store: a schema becomes one, an older store a newer one, and any other is refused."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from headwater.engines.postgres import migrations, open_engine, statements
from headwater.engines.postgres.location import Location
from headwater.errors import BadDeclaration, FormatTooNew, HeadwaterError, StoreMismatch, StoreUnavailable
from headwater.ports.engine import EngineOptions, Identity
from headwater.testing.controls import ANN, BOB, append_of
from tests.engines.postgres.stores import opened, select
from tests.engines.run_servers import ROOT
from tests.engines.servers import execute, fresh_database, fresh_schema

MIGRATIONS = statements._FILES.migrations
ADDED = "ALTER TABLE {schema}.headwater_leases ADD COLUMN note text NOT NULL DEFAULT ''"
"""What a later release may bring."""


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(partitions="2") as url:
        yield url


async def identity_of(url: str, options: EngineOptions | None = None) -> Identity:
    """Of a store that is opened and closed again."""
    engine = open_engine(url, options or EngineOptions())
    try:
        return await engine.open()
    finally:
        await engine.close()


async def there(url: str) -> bool:
    """Whether the schema is."""
    return bool(await select(url, "SELECT FROM pg_namespace WHERE nspname = $1", Location.parse(url, {}).schema))


async def formats(url: str) -> tuple[object, ...]:
    (row,) = await select(url, "SELECT format, oldest_format FROM headwater_store")
    return row


# -- another store -------------------------------------------------------------


async def test_a_store_is_the_same_each_time_it_is_opened(url: str) -> None:
    first = await identity_of(url)
    assert await identity_of(url, EngineOptions(store_id=first.store_id, create=False)) == first
    assert len(first.secret) == 32


async def test_a_store_may_be_given_its_id(url: str) -> None:
    assert (await identity_of(url, EngineOptions(store_id="shop"))).store_id == "shop"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (EngineOptions(store_id="another"), "expected another: check the URL"),
        (EngineOptions(event_store="facts"), "event_store='events' and command_store='commands'"),
        (EngineOptions(command_store="orders"), "'events' and 'orders': use its own names"),
        (EngineOptions(query={"partitions": "3"}), "has 2 partitions, asked for 3"),
    ],
)
async def test_another_store_than_the_one_asked_for_is_refused(url: str, options: EngineOptions, said: str) -> None:
    made = await identity_of(url)
    with pytest.raises(StoreMismatch, match=said):
        await identity_of(url, options)
    assert await identity_of(url) == made


async def test_the_number_of_partitions_need_not_be_said_again(url: str) -> None:
    async with opened(url) as engine:
        await engine.events.append(append_of(ANN))
    async with opened(url.replace("partitions=2", "pool=3")) as engine:
        assert engine.log.partitions == 2
        assert await engine.events.head(ANN) == 1


async def test_a_store_is_made_only_where_that_is_wanted(url: str) -> None:
    with pytest.raises(StoreUnavailable, match="holds no store: check the URL"):
        await identity_of(url, EngineOptions(create=False))
    assert not await there(url)


@pytest.mark.parametrize("table", ["events", "commands"])
async def test_a_table_of_somebody_else_is_not_taken_over(url: str, table: str) -> None:
    schema = Location.parse(url, {}).schema
    await execute(Location.parse(url, {}).dsn, f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.{table} (id integer)")
    with pytest.raises(StoreMismatch, match=f"has a table '{table}' of its own: name another schema"):
        await identity_of(url)
    await identity_of(url, EngineOptions(event_store="facts", command_store="orders"))


async def test_a_table_that_is_called_as_ours_but_is_another_is_refused(url: str) -> None:
    schema = Location.parse(url, {}).schema
    script = f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.headwater_store (landscape text)"
    await execute(Location.parse(url, {}).dsn, script)
    with pytest.raises(StoreMismatch):
        await identity_of(url)


async def test_names_of_tables_are_not_the_stores_own(url: str) -> None:
    with pytest.raises(BadDeclaration, match="clashes"):
        await identity_of(url, EngineOptions(event_store="headwater_streams"))
    assert not await there(url)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_that_cannot_hold_every_text_is_refused_unchanged(encoding: str) -> None:
    async with fresh_database(f"ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'") as url:
        with pytest.raises(StoreMismatch, match=f"text as {encoding}, not all of ours: make one of UTF8"):
            await identity_of(url)
        assert not await there(url)


# -- releases ------------------------------------------------------------------


@contextmanager
def a_later_release(*, oldest: int) -> Iterator[None]:
    """This code, with one migration more, and the oldest format it leaves room for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements._FILES, "migrations", [*MIGRATIONS, ADDED])
        patch.setattr(migrations, "_OLDEST", oldest)
        yield


KNOWN = len(MIGRATIONS)


async def test_an_older_store_becomes_a_newer_one_while_the_older_release_runs(url: str) -> None:
    async with opened(url) as older:
        await older.events.append(append_of(ANN))
        with a_later_release(oldest=KNOWN):
            async with opened(url) as newer:
                await newer.events.append(append_of(BOB))
        assert await formats(url) == (KNOWN + 1, KNOWN)
        assert await older.events.head(BOB) == 1
        assert await older.leases.acquire("p/0", "me", 10) is not None
        assert (await older.admin.info()).format == KNOWN + 1


async def test_an_older_release_opens_a_newer_store_that_leaves_room_for_it(url: str) -> None:
    with a_later_release(oldest=KNOWN):
        made = await identity_of(url)
    async with opened(url) as older:
        await older.events.append(append_of(ANN))
        assert await older.leases.acquire("p/0", "me", 10) is not None
    assert await identity_of(url) == made
    assert await formats(url) == (KNOWN + 1, KNOWN)
    with a_later_release(oldest=KNOWN):
        assert await identity_of(url) == made


async def test_an_older_release_is_refused_by_a_newer_store_that_leaves_it_no_room(url: str) -> None:
    await identity_of(url)
    with a_later_release(oldest=KNOWN + 1):
        await identity_of(url)
    said = (
        f"format {KNOWN + 1}, for releases that know format {KNOWN + 1} or a later one, and this .* upgrade headwater"
    )
    with pytest.raises(FormatTooNew, match=said):
        await identity_of(url)
    assert await formats(url) == (KNOWN + 1, KNOWN + 1)


async def test_a_migration_that_fails_leaves_the_store_as_it_was(url: str) -> None:
    made = await identity_of(url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements._FILES, "migrations", [*MIGRATIONS, f"{ADDED}; SELECT 1/0"])
        with pytest.raises(HeadwaterError):
            await identity_of(url)
    assert await formats(url) == (KNOWN, KNOWN)
    with a_later_release(oldest=KNOWN):
        assert await identity_of(url) == made


# -- at once -------------------------------------------------------------------


async def test_processes_that_open_a_new_schema_at_once_open_one_store(url: str) -> None:
    processes = [await opener(url) for _ in range(4)]
    said = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * 4
    made = await identity_of(url)
    assert {out.decode().strip() for out, _ in said} == {f"{made.store_id} {made.secret.hex()}"}


async def test_engines_that_migrate_at_once_migrate_once(url: str) -> None:
    made = await identity_of(url)
    with a_later_release(oldest=KNOWN):
        assert await asyncio.gather(*(identity_of(url) for _ in range(8))) == [made] * 8
    assert await formats(url) == (KNOWN + 1, KNOWN)


async def opener(url: str) -> Process:
    """A process that will open the store when it is told to."""
    program = sys.executable, "-m", "tests.engines.postgres.opener", url
    process = await asyncio.create_subprocess_exec(*program, cwd=ROOT, stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process
