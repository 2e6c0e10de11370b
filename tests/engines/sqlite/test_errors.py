"""What SQLite and the disk say, as our errors; and going on afterwards."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from headwater.domain.stream import StreamId
from headwater.domain.version import Exact
from headwater.engines.sqlite import SqliteEngine, open_engine
from headwater.engines.sqlite.errors import commit_failed, translated
from headwater.errors import (
    AppendOutcomeUnknown,
    HeadwaterError,
    StorageFull,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreReadOnly,
    StoreUnavailable,
)
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, append_of, new_event


def sqlite_error(code: int) -> BaseException:
    return apsw.exception_for(code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (apsw.SQLITE_BUSY, StoreBusy),
        (apsw.SQLITE_LOCKED, StoreBusy),
        (apsw.SQLITE_FULL, StorageFull),
        (apsw.SQLITE_IOERR_SHMSIZE, StorageFull),
        (apsw.SQLITE_READONLY, StoreReadOnly),
        (apsw.SQLITE_READONLY_DBMOVED, StoreUnavailable),
        (apsw.SQLITE_CANTOPEN, StoreUnavailable),
        (apsw.SQLITE_PERM, StoreUnavailable),
        (apsw.SQLITE_IOERR_READ, StoreUnavailable),
        (apsw.SQLITE_CORRUPT, StoreCorrupt),
        (apsw.SQLITE_IOERR_CORRUPTFS, StoreCorrupt),
        (apsw.SQLITE_NOTADB, StoreCorrupt),
        (apsw.SQLITE_MISUSE, StoreError),
    ],
)
def test_codes_become_our_errors(code: int, kind: type[HeadwaterError]) -> None:
    original = sqlite_error(code)
    error = translated(original)
    assert type(error) is kind
    assert error.__cause__ is original


def test_after_an_io_error_in_commit_the_outcome_is_unknown() -> None:
    assert isinstance(commit_failed(sqlite_error(apsw.SQLITE_IOERR_FSYNC)), AppendOutcomeUnknown)
    assert isinstance(commit_failed(sqlite_error(apsw.SQLITE_FULL)), StorageFull)


def test_other_errors_stay_what_they_are() -> None:
    error = ValueError("a bug")
    assert translated(error) is error


async def test_a_full_disk_is_said_and_survived(engine: SqliteEngine) -> None:
    await engine.events.append(append_of(ANN))

    def pages(connection: apsw.Connection, room: int) -> None:
        used = connection.execute("PRAGMA page_count").get
        assert isinstance(used, int)
        connection.execute(f"PRAGMA max_page_count={used + room}").fetchall()

    await engine._writer.run(pages, 3)
    acknowledged, refused = 1, None
    while refused is None:
        large = new_event(data=b'"%b"' % (b"x" * 3_000))
        try:
            acknowledged = (await engine.events.append(append_of(ANN, [large], Exact(acknowledged)))).writes[0].last
        except StoreError as error:
            refused = error
    assert type(refused) is StorageFull
    assert acknowledged < 10
    assert await engine.events.head(ANN) == acknowledged
    await engine._writer.run(pages, 1_000_000)
    await engine.events.append(append_of(ANN, 1, Exact(acknowledged)))
    assert [event.version for event in await engine.events.load(ANN)] == list(range(1, acknowledged + 2))
    assert [finding async for finding in engine.admin.verify() if not isinstance(finding, int)] == []


async def test_a_connection_that_may_not_write_says_so(engine: SqliteEngine) -> None:
    await engine._writer.run(lambda connection: connection.execute("PRAGMA query_only=1").fetchall())
    with pytest.raises(StoreReadOnly):
        await engine.events.append(append_of(ANN))
    await engine.close()
    await engine.open()
    await engine.events.append(append_of(ANN, 1, Exact(0)))


async def test_a_lock_held_elsewhere_is_waited_for_and_then_said(path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}?busy_timeout=0.05", EngineOptions())
    await engine.open()
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        await engine.events.append(append_of(ANN))
    other.execute("ROLLBACK")
    other.close()
    await engine.events.append(append_of(ANN))
    await engine.close()


@pytest.mark.parametrize("place", ["missing/store.db", "."])
async def test_a_file_that_cannot_be_is_unavailable(tmp_path: Path, place: str) -> None:
    with pytest.raises(StoreUnavailable, match="cannot open"):
        await open_engine(f"sqlite:///{tmp_path}/{place}", EngineOptions()).open()
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_may_not_be_opened_is_read_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.open", refuse)  # root, who runs the tests in places, is refused nothing
    with pytest.raises(StoreReadOnly, match="permissions"):
        await open_engine(f"sqlite:///{path}", EngineOptions()).open()


async def test_the_file_is_its_owners_alone(engine: SqliteEngine, path: Path) -> None:
    await engine.events.append(append_of(ANN))
    for name in ("", "-wal", "-shm"):
        assert path.with_name(path.name + name).stat().st_mode & 0o777 == 0o600
    assert await engine.admin.doctor() == []
    path.chmod(0o644)
    assert ["chmod 600" in finding.what for finding in await engine.admin.doctor()] == [True]


async def test_a_stream_keeps_its_partition_key(engine: SqliteEngine) -> None:
    await engine.events.append(append_of(StreamId("order", "1"), partition_key="ann"))
    with pytest.raises(ValueError, match="partition key"):
        await engine.events.append(append_of(StreamId("order", "1"), partition_key="bob"))
    await engine.events.append(append_of(StreamId("order", "1"), partition_key="ann"))
