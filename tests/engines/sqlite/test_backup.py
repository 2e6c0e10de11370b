"""Backup while in use, and restore."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from headwater.engines.sqlite import SqliteEngine, open_engine, restore
from headwater.errors import InvalidInput, StoreBusy, StoreCorrupt, StoreError, StoreMismatch, StoreUnavailable
from headwater.ports.admin import Finding
from headwater.ports.engine import EngineOptions, Identity
from headwater.testing.controls import ANN, append_of, log_of, new_event


async def backed_up(engine: SqliteEngine, target: Path) -> list[tuple[int, int]]:
    return [progress async for progress in engine.backup(target)]


async def look(path: Path) -> tuple[Identity, int, list[Finding]]:
    engine = open_engine(f"sqlite:///{path}", EngineOptions())
    try:
        identity = await engine.open()
        findings = [finding async for finding in engine.admin.verify() if not isinstance(finding, int)]
        return identity, len(await log_of(engine)), findings
    finally:
        await engine.close()


async def fill(engine: SqliteEngine, megabytes: int) -> None:
    for _ in range(megabytes):
        await engine.events.append(append_of(ANN, [new_event(data=b'"%b"' % (b"x" * 100_000)) for _ in range(10)]))


async def test_a_backup_is_a_store_and_the_same_one(engine: SqliteEngine, tmp_path: Path) -> None:
    await engine.events.append(append_of(ANN, 3))
    progress = await backed_up(engine, tmp_path / "copy.db")
    assert progress[-1][0] == progress[-1][1] > 0
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert await look(tmp_path / "copy.db") == (await engine.open(), 3, [])


async def test_a_backup_under_writes_is_the_state_it_began_with(engine: SqliteEngine, tmp_path: Path) -> None:
    await fill(engine, 10)
    begun = await engine.log.head(0)
    steps = 0
    async for _ in engine.backup(tmp_path / "copy.db"):
        await engine.events.append(append_of(ANN))
        steps += 1
    assert steps > 1
    assert (await look(tmp_path / "copy.db"))[1:] == (begun, [])
    assert await engine.log.head(0) == begun + steps


async def test_a_backup_overwrites_nothing(engine: SqliteEngine, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(InvalidInput, match="exists"):
        await backed_up(engine, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "mine"


async def test_a_backup_that_is_given_up_leaves_nothing(engine: SqliteEngine, tmp_path: Path) -> None:
    await fill(engine, 10)
    copying = engine.backup(tmp_path / "copy.db")
    await anext(copying)
    await copying.aclose()  # type: ignore[attr-defined]
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("copy")] == []


async def test_restore_brings_the_state_back(engine: SqliteEngine, path: Path, tmp_path: Path) -> None:
    await engine.events.append(append_of(ANN, 3))
    await backed_up(engine, tmp_path / "copy.db")
    await engine.events.append(append_of(ANN, 4))
    identity = await engine.open()
    await engine.close()
    await asyncio.to_thread(restore, tmp_path / "copy.db", path)
    await asyncio.to_thread(restore, tmp_path / "copy.db", tmp_path / "elsewhere.db")
    assert await look(path) == await look(tmp_path / "elsewhere.db") == (identity, 3, [])


async def test_a_store_in_use_is_not_restored_over(engine: SqliteEngine, path: Path, tmp_path: Path) -> None:
    await backed_up(engine, tmp_path / "copy.db")
    await engine.events.append(append_of(ANN))
    with pytest.raises(StoreBusy, match="in use"):
        await asyncio.to_thread(restore, tmp_path / "copy.db", path)
    await engine.events.append(append_of(ANN))
    assert await engine.log.head(0) == 2


async def test_a_bad_backup_replaces_nothing(engine: SqliteEngine, path: Path, tmp_path: Path) -> None:
    await fill(engine, 1)
    await backed_up(engine, tmp_path / "copy.db")
    await engine.close()
    damaged, stranger, text = tmp_path / "damaged.db", tmp_path / "stranger.db", tmp_path / "text.db"
    pages = bytearray((tmp_path / "copy.db").read_bytes())
    pages[8192:16384] = bytes(8192)
    damaged.write_bytes(bytes(pages))
    apsw.Connection(str(stranger)).execute("CREATE TABLE t (x)").connection.close()
    text.write_text("no database" * 1_000)
    before = path.read_bytes()
    for bad, kind in (
        (damaged, StoreCorrupt),
        (stranger, StoreMismatch),
        (text, StoreCorrupt),
        (tmp_path / "none", StoreUnavailable),
    ):
        with pytest.raises(StoreError) as caught:
            await asyncio.to_thread(restore, bad, path)
        assert type(caught.value) is kind
    assert path.read_bytes() == before
