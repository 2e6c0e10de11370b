"""The store's layout: the sum of its migrations, and which stores are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import apsw
import pytest

from headwater.engines.sqlite import SqliteEngine, open_engine
from headwater.engines.sqlite.connection import connect_writer, create_file
from headwater.engines.sqlite.location import Location
from headwater.engines.sqlite.migrations import open_store
from headwater.engines.sqlite.statements import Statements
from headwater.errors import FormatTooNew, InvalidIdentifier, StoreCorrupt, StoreError, StoreMismatch
from headwater.ports.engine import EngineOptions
from headwater.ports.generations import Generation, NewGeneration
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit
from headwater.ports.read_models import Selection
from headwater.testing.conformance.commits import swap
from headwater.testing.controls import ANN, Tally, append_of, tally

SQL = files("headwater.engines.sqlite") / "sql"


def layout(*scripts: str) -> set[tuple[object, ...]]:
    connection = apsw.Connection(":memory:")
    for script in scripts:
        connection.execute(script)
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    connection.close()
    return set(rows)


async def opened(path: Path, options: EngineOptions) -> None:
    engine = open_engine(f"sqlite:///{path}", options)
    try:
        await engine.open()
    finally:
        await engine.close()


def changed(path: Path, statement: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(statement)
    connection.close()


def test_the_schema_is_the_sum_of_the_migrations() -> None:
    sql = Statements("events", "commands")
    assert layout(*sql.migrations) == layout(sql["schema"]) != set()


def test_every_file_says_what_it_is_for_and_holds_one_statement() -> None:
    for file in SQL.iterdir():
        if file.name.endswith(".sql"):
            assert file.read_text(encoding="utf-8").startswith("-- "), file.name
    assert [name for name, text in Statements("events", "commands").items() if ";" in text] == ["schema"]


def test_names_of_tables_are_checked() -> None:
    for name in ('x"; DROP TABLE events;--', "Events", "", "x" * 49):
        with pytest.raises(InvalidIdentifier):
            Statements(name, "commands")


async def test_names_of_tables_are_the_callers_choice(path: Path) -> None:
    options = EngineOptions(event_store="shop_events", command_store="shop_commands")
    engine = open_engine(f"sqlite:///{path}", options)
    await engine.open()
    await engine.events.append(append_of(ANN))
    await engine.close()
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT count(*) FROM shop_events").get == 1
    connection.close()


async def test_a_store_of_other_names_is_refused(engine: SqliteEngine, path: Path) -> None:
    for options in (EngineOptions(event_store="others"), EngineOptions(command_store="others")):
        with pytest.raises(StoreMismatch, match="others"):
            await opened(path, options)


async def test_another_store_than_expected_is_refused(engine: SqliteEngine, path: Path) -> None:
    identity = await engine.open()
    await opened(path, EngineOptions(store_id=identity.store_id))
    with pytest.raises(StoreMismatch, match="expected another"):
        await opened(path, EngineOptions(store_id="another"))


async def test_a_store_keeps_its_identity(engine: SqliteEngine) -> None:
    first = await engine.open()
    await engine.close()
    assert await engine.open() == first
    assert len(first.secret) == 32


def test_a_store_that_another_process_has_just_made_is_opened(path: Path) -> None:
    """Its connection knew an empty file."""
    location, sql = Location(path=path), Statements("events", "commands")
    create_file(path)
    late, early = connect_writer(location), connect_writer(location)
    late.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    identity = open_store(early, sql, EngineOptions())
    assert open_store(late, sql, EngineOptions()).store_id == identity.store_id
    early.close()
    late.close()


async def test_a_store_of_a_later_release_is_refused_unchanged(path: Path) -> None:
    await opened(path, EngineOptions())
    changed(path, "UPDATE headwater_store SET format = format + 1")
    before = path.read_bytes()
    with pytest.raises(FormatTooNew, match="upgrade headwater"):
        await opened(path, EngineOptions())
    assert path.read_bytes() == before


async def test_a_table_of_somebody_else_is_not_taken_over(path: Path) -> None:
    changed(path, "CREATE TABLE events (id INTEGER PRIMARY KEY)")
    with pytest.raises(StoreMismatch, match="'events'"):
        await opened(path, EngineOptions())


async def test_a_table_that_is_called_as_ours_but_is_another(path: Path) -> None:
    changed(path, "CREATE TABLE headwater_store (format TEXT)")
    changed(path, "INSERT INTO headwater_store VALUES ('landscape')")
    with pytest.raises(StoreMismatch, match="headwater_store of another kind"):
        await opened(path, EngineOptions())


async def test_a_store_may_live_beside_tables_of_an_application(path: Path) -> None:
    changed(path, "CREATE TABLE customers (id INTEGER PRIMARY KEY)")
    await opened(path, EngineOptions())


async def test_a_file_that_is_no_database_is_refused_unchanged(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at as if it were one" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt):
        await opened(path, EngineOptions())
    assert path.read_bytes() == before


async def test_tables_that_were_taken_away_are_a_mismatch(engine: SqliteEngine, path: Path) -> None:
    changed(path, "DROP TABLE headwater_streams")
    with pytest.raises(StoreMismatch):
        await engine.events.head(ANN)
    with pytest.raises(StoreError):
        await engine.events.append(append_of(ANN))


def store_of_format(path: Path, format: int, *statements: str) -> None:
    """A store as an earlier release left it."""
    sql = Statements("events", "commands")
    connection = apsw.Connection(str(path))
    for script in (*sql.migrations[:format], *statements):
        connection.execute(script)
    connection.execute(sql["insert_identity"], (format, "shop", b"secret", "events", "commands"))
    connection.close()


READ_SIDE_OF_FORMAT_2 = (
    "INSERT INTO headwater_checkpoints VALUES ('p', 0, 7, 3), ('q', 0, 9, 1)",
    "INSERT INTO headwater_parked VALUES ('p', 0, 5, 'user-ann', 'Noted', 'ValueError: no', 'trace', 2, 8, x'7b7d')",
    "INSERT INTO headwater_leases VALUES ('projection:q', 'me', 4, 10)",
    "CREATE TABLE conformance_tally (name TEXT PRIMARY KEY NOT NULL, total INTEGER NOT NULL) STRICT",
    "INSERT INTO conformance_tally VALUES ('a', 1)",
    """INSERT INTO headwater_read_models VALUES ('conformance_tally', '{"key":"name","columns":{
        "name":{"kind":"text","optional":false,"scale":0,"searchable":false},
        "total":{"kind":"integer","optional":false,"scale":0,"searchable":false}}}')""",
)


@pytest.fixture
async def migrated(path: Path) -> AsyncIterator[SqliteEngine]:
    """A store of format 2 with a read side, opened by this release."""
    store_of_format(path, 2, *READ_SIDE_OF_FORMAT_2)
    engine = open_engine(f"sqlite:///{path}", EngineOptions())
    await engine.open()
    await engine.read_model_schema.ensure([Tally])
    yield engine
    await engine.close()


async def test_checkpoints_of_format_2_are_those_of_a_first_generation(migrated: SqliteEngine) -> None:
    """Whatever side effects their events had, they had."""
    assert list(await migrated.projections.checkpoints()) == [
        Checkpoint(place=Place("p"), offset=7, epoch=3, effects=7),
        Checkpoint(place=Place("q"), offset=9, epoch=1, effects=9),
    ]
    assert list(await migrated.generations.all()) == [
        Generation(projection=name, number=0, version=1, state="serving") for name in ("p", "q")
    ]
    [parked] = await migrated.parking.parked("p", "user-ann", generation=0, partition=0)
    assert (parked.offset, parked.error, parked.attempts, parked.data) == (5, "ValueError: no", 2, b"{}")
    lease = await migrated.leases.acquire("projection:q", "you", 10)
    assert lease is not None
    assert lease.epoch == 5


async def test_a_projection_of_format_2_goes_on_and_is_rebuilt(migrated: SqliteEngine) -> None:
    await migrated.projections.commit(
        ProjectionCommit(place=Place("p"), epoch=3, start=7, next=8, changes=[tally("b", 2)])
    )
    wanted = NewGeneration(projection="p", version=1, fingerprint="code", key_ranges=1, models=[Tally])
    assert (await migrated.generations.begin(wanted, beside=False)).number == 0
    assert (await migrated.generations.begin(wanted)).number == 1
    place = Place("p", 0, 1)
    await migrated.projections.commit(
        ProjectionCommit(place=place, epoch=1, start=0, next=8, changes=[tally("new", 1)])
    )
    assert await swap(migrated, "p", 1)
    assert [row.name for row in await migrated.read_models.find(Tally, Selection())] == ["new"]
    assert (await migrated.projections.checkpoint(place)).effects == 7
    assert await swap(migrated, "p", 0)
    assert [row.name for row in await migrated.read_models.find(Tally, Selection())] == ["a", "b"]


@pytest.mark.parametrize("format", [1, 2, 3, 4])
async def test_a_store_of_each_earlier_format_becomes_one_of_this(path: Path, format: int) -> None:
    store_of_format(path, format)
    await opened(path, EngineOptions())
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT format FROM headwater_store").get == len(
        Statements("events", "commands").migrations
    )
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    assert set(rows) == layout(Statements("events", "commands")["schema"])
    connection.close()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("fold_stream", 3),
        ("load_stream", 4),
        ("read_log", 9),
        ("find_command", 1),
        ("find_key", 2),
        ("list_streams", 3),
        ("move_checkpoint", 9),
        ("read_checkpoint", 4),
        ("is_held_up", 3),
        ("list_parked", 9),
        ("list_parked_of_key", 6),
        ("list_keys", 3),
        ("has_tagged", 3),
        ("read_tagged", 5),
        ("read_tags", 2),
    ],
)
def test_hot_reads_scan_no_table(name: str, parameters: int) -> None:
    sql = Statements("events", "commands")
    connection = apsw.Connection(":memory:")
    connection.execute(";".join(sql.migrations))
    plan = [
        str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql[name]}", [None] * parameters).fetchall()
    ]
    connection.close()
    tables = (
        "SCAN event",
        "SCAN headwater",
        "SCAN stream",
        "SCAN held",
        "SCAN commands",
        "SCAN tagged",
        "SCAN counted",
    )
    sorts = 1 if name.endswith("_tagged") else 0  # the few tags asked for, by how rare they are
    assert plan
    assert not [step for step in plan if step.startswith(tables)]
    assert sum("TEMP B-TREE" in step for step in plan) == sorts
