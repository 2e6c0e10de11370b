"""What happens to a store's files from outside: typed errors, and nothing acknowledged that would not be found."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from headwater.domain.append import UniqueKey
from headwater.domain.version import Exact
from headwater.engines.sqlite import SqliteEngine, open_engine
from headwater.errors import StorageFull, StoreError, StoreMismatch, StoreUnavailable
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, BOB, append_of
from tests.engines.sqlite.full_disk import FullDisk


def beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def store_at(path: Path) -> SqliteEngine:
    return open_engine(f"sqlite:///{path}", EngineOptions())


async def heads(path: Path) -> tuple[int, int]:
    """How many events ann's and bob's streams have, to one who opens the store anew."""
    engine = store_at(path)
    await engine.open()
    try:
        return await engine.events.head(ANN), await engine.events.head(BOB)
    finally:
        await engine.close()


def planted(path: Path, script: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(script)
    connection.close()


def asked(path: Path, question: str) -> object:
    connection = apsw.Connection(str(path))
    try:
        return connection.execute(question).get
    finally:
        connection.close()


# -- no room ---------------------------------------------------------------------


@pytest.fixture
def disk() -> Iterator[FullDisk]:
    disk = FullDisk()
    yield disk
    disk.unregister()


async def test_a_disk_that_fills_up_refuses_and_then_goes_on(disk: FullDisk, path: Path) -> None:
    engine = store_at(path)
    await engine.open()
    await engine.events.append(append_of(ANN))
    disk.has_room = False
    with pytest.raises(StorageFull, match="free some"):
        await engine.events.append(append_of(ANN, 1, Exact(1)))
    assert await engine.events.head(ANN) == 1
    disk.has_room = True
    await engine.events.append(append_of(ANN, 1, Exact(1)))
    await engine.close()
    assert await heads(path) == (2, 0)


async def test_a_disk_without_room_for_a_file_refuses_to_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(StorageFull, match="No space left"):
        await store_at(path).open()


async def test_a_disk_without_names_for_the_log_refuses_to_open(disk: FullDisk, path: Path) -> None:
    """Inodes run out: the store's file is there, its log cannot be made."""
    engine = store_at(path)
    await engine.open()
    await engine.events.append(append_of(ANN))
    await engine.close()
    disk.has_names = False
    with pytest.raises(StoreUnavailable):
        await engine.open()
    disk.has_names = True
    assert await heads(path) == (1, 0)


# -- files taken away or replaced ------------------------------------------------


async def test_a_log_missing_beside_a_closed_store_is_not_missed(path: Path) -> None:
    engine = store_at(path)
    await engine.open()
    await engine.events.append(append_of(ANN))
    await engine.close()
    assert not beside(path, "-wal").exists()
    assert await heads(path) == (1, 0)


async def test_a_log_lost_after_a_crash_leaves_the_store_of_the_last_checkpoint(path: Path, tmp_path: Path) -> None:
    """What only the log held is gone and nobody can tell, but what is left is whole."""
    engine = store_at(path)
    await engine.open()
    await engine.events.append(append_of(ANN))
    await engine.close()
    await engine.open()
    await engine.events.append(append_of(BOB))
    left = tmp_path / "left.db"
    left.write_bytes(path.read_bytes())
    await engine.close()
    engine = store_at(left)
    await engine.open()
    assert [finding async for finding in engine.admin.verify() if not isinstance(finding, int)] == []
    await engine.close()
    assert await heads(left) == (1, 0)
    assert await heads(path) == (1, 1)


async def test_a_file_without_the_log_it_was_made_in_is_still_that_store(path: Path, tmp_path: Path) -> None:
    engine = store_at(path)
    identity = await engine.open()
    left = tmp_path / "left.db"
    left.write_bytes(path.read_bytes())
    await engine.close()
    engine = store_at(left)
    assert await engine.open() == identity
    await engine.close()


@pytest.mark.parametrize("ending", ["-wal", "-shm"])
async def test_a_log_deleted_under_an_open_store_is_noticed_before_anything_is_lost(path: Path, ending: str) -> None:
    engine = store_at(path)
    await engine.open()
    await engine.events.append(append_of(ANN))
    beside(path, ending).unlink()
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=ending):
            await engine.events.append(append_of(ANN, 1, Exact(1)))
    (finding,) = await engine.admin.doctor()
    assert (finding.severity, finding.where) == ("error", str(beside(path, ending).resolve()))
    assert await engine.events.head(ANN) == 1
    await engine.close()
    assert await heads(path) == (1, 0)


async def test_a_folder_that_looks_long_untouched_hides_nothing_for_long(path: Path) -> None:
    """The names are not looked up while their folder is as it was; once it is not, they are, until they fit again."""
    engine = store_at(path)
    await engine.open()
    for seconds in (1_000, 2_000):
        os.utime(path.parent, (seconds, seconds))
        await engine.events.append(append_of(ANN))
        await engine.events.append(append_of(ANN))
    hidden = path.parent / "hidden"
    beside(path, "-wal").rename(hidden)
    for _ in range(3):
        os.utime(path.parent, (3_000, 3_000))
        with pytest.raises(StoreUnavailable, match="-wal"):
            await engine.events.append(append_of(ANN))
    hidden.rename(beside(path, "-wal"))
    await engine.events.append(append_of(ANN))
    await engine.close()
    assert (await heads(path))[0] == 5


async def test_a_file_renamed_over_an_open_store_is_noticed(path: Path, tmp_path: Path) -> None:
    other = store_at(tmp_path / "other.db")
    await other.open()
    await other.events.append(append_of(BOB))
    await other.close()
    engine = store_at(path)
    await engine.open()
    await engine.events.append(append_of(ANN))
    kept = tmp_path / "kept.db"
    path.rename(kept)
    other.location.path.rename(path)
    with pytest.raises(StoreUnavailable, match="replaced"):
        await engine.events.append(append_of(ANN, 1, Exact(1)))
    assert [finding.where for finding in await engine.admin.doctor()] == [str(path.resolve())]
    kept.replace(path)
    await engine.events.append(append_of(ANN, 1, Exact(1)))
    await engine.close()
    assert await heads(path) == (2, 0)


async def test_a_process_that_changes_its_folder_keeps_its_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    engine = store_at(Path("store.db"))
    await engine.open()
    monkeypatch.chdir(tmp_path / "elsewhere")
    await engine.events.append(append_of(ANN))
    await engine.close()
    assert await heads(tmp_path / "store.db") == (1, 0)


# -- files of others -------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE events (id INTEGER PRIMARY KEY, title TEXT)",
        "CREATE VIEW events AS SELECT 1 AS id",
        "CREATE TABLE headwater_store (id)",
        "CREATE VIEW headwater_store AS SELECT 1 AS only, 1 AS format, 'x' AS store_id, x'00' AS secret, "
        "'events' AS event_store, 'commands' AS command_store",
    ],
)
async def test_a_file_of_another_program_is_refused_as_it_is(path: Path, script: str) -> None:
    planted(path, script)
    before = asked(path, "SELECT group_concat(sql) FROM sqlite_schema")
    with pytest.raises(StoreMismatch):
        await store_at(path).open()
    assert asked(path, "SELECT group_concat(sql) FROM sqlite_schema") == before


TRIGGER = "CREATE TRIGGER spy AFTER INSERT ON events BEGIN INSERT INTO loot VALUES (new.data); END"
INTRUDERS = {
    "a trigger": TRIGGER,
    "a trigger in other letters": TRIGGER.replace("events", "EVENTS"),
    "a trigger on streams": TRIGGER.replace("events", "headwater_streams").replace("new.data", "new.name"),
    "a view for a table": "DROP TABLE headwater_unique_keys; "
    "CREATE VIEW headwater_unique_keys AS SELECT 'a' AS scope, 'b' AS value, 1 AS stream",
}


@pytest.fixture
async def store(path: Path) -> Path:
    """A store with one event, and a table for what is stolen."""
    engine = store_at(path)
    await engine.open()
    await engine.events.append(append_of(ANN))
    await engine.close()
    planted(path, "CREATE TABLE loot (data)")
    return path


@pytest.mark.parametrize("script", INTRUDERS.values(), ids=INTRUDERS)
async def test_a_store_with_something_planted_in_it_is_refused(store: Path, script: str) -> None:
    planted(store, script)
    with pytest.raises(StoreMismatch, match="did not make"):
        await store_at(store).open()


async def test_a_trigger_planted_under_an_open_store_does_not_run(store: Path) -> None:
    engine = store_at(store)
    await engine.open()
    planted(store, TRIGGER)
    await engine.events.append(append_of(ANN, 1, Exact(1)))
    await engine.close()
    assert asked(store, "SELECT count(*) FROM loot") == 0


async def test_a_view_planted_under_an_open_store_is_not_read(store: Path) -> None:
    engine = store_at(store)
    await engine.open()
    planted(store, INTRUDERS["a view for a table"])
    with pytest.raises(StoreError):
        await engine.unique_keys.holder(UniqueKey("a", "b"))
    await engine.close()


async def test_a_view_of_ones_own_on_the_log_is_welcome(store: Path) -> None:
    planted(store, "CREATE VIEW lately AS SELECT type FROM events")
    assert await heads(store) == (1, 0)
