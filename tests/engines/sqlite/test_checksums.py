"""Damage: a flipped bit is found by whoever reads it."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from headwater.engines.sqlite import SqliteEngine, open_engine
from headwater.errors import StoreCorrupt
from headwater.ports.engine import EngineOptions
from headwater.ports.log import LogFilter
from headwater.ports.snapshots import Snapshot
from headwater.testing.controls import ANN, append_of, new_event

CONTEXT = b'{"principal":"ann"}'


async def filled(engine: SqliteEngine, events: int = 5) -> None:
    rows = [new_event(data=b'{"number":%d}' % n, topic="out" if n == 2 else None) for n in range(1, events + 1)]
    await engine.events.append(append_of(ANN, rows, context=CONTEXT))


def damage(path: Path, statement: str, *bindings: bytes | str | int) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(statement, bindings)
    connection.close()


async def errors_of(engine: SqliteEngine) -> list[str]:
    return [found.what for found in [f async for f in engine.admin.verify()] if not isinstance(found, int)]


async def test_every_flipped_bit_of_data_is_found_by_every_reader(engine: SqliteEngine, path: Path) -> None:
    await filled(engine)
    data = b'{"number":3}'
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        damage(path, "UPDATE events SET data = ? WHERE version = 3", bytes(flipped))
        for read in (engine.events.load(ANN), engine.events.fold_rows(ANN), engine.log.read(0, 0, 10)):
            with pytest.raises(StoreCorrupt, match="headwater verify"):
                await read
    assert await errors_of(engine)


async def test_every_flipped_bit_of_context_is_found(engine: SqliteEngine, path: Path) -> None:
    await filled(engine)
    for bit in range(len(CONTEXT) * 8):
        flipped = bytearray(CONTEXT)
        flipped[bit // 8] ^= 1 << bit % 8
        damage(path, "UPDATE events SET context = ? WHERE version = 4", bytes(flipped))
        for read in (engine.events.load(ANN), engine.log.read(0, 0, 10)):
            with pytest.raises(StoreCorrupt):
                await read
    assert await errors_of(engine) == ["an event that does not match its checksum"]


@pytest.mark.parametrize(
    "change",
    [
        "type = 'Other'",
        "schema = 2",
        "topic = 'out'",
        "timestamp = timestamp + 1",
        "event_id = randomblob(16)",
        "event_id = x'00'",
        "checksum = checksum + 1",
        "checksum = checksum + 4294967296",
        "type = CAST(x'ff' AS TEXT)",
        "data = x''",
    ],
)
async def test_a_changed_column_is_found_by_verify(engine: SqliteEngine, path: Path, change: str) -> None:
    await filled(engine)
    assert await errors_of(engine) == []
    damage(path, f"UPDATE events SET {change} WHERE version = 3")
    assert "an event that does not match its checksum" in await errors_of(engine)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM events WHERE version = 3", "versions with a hole: an event is missing"),
        ("DELETE FROM events WHERE version = 5", "another number of events than its version"),
        ("UPDATE headwater_streams SET version = 4", "another number of events than its version"),
        ("UPDATE headwater_streams SET chain = 1", "a stream that does not match its last event"),
        ("DELETE FROM headwater_streams", "an event of a stream that is not there"),
        ("UPDATE headwater_categories SET streams = 2", "a category counts other streams than there are"),
        ("INSERT INTO headwater_unique_keys VALUES ('mail', 'x', 99)", "a unique key held by no stream"),
        ("INSERT INTO headwater_tags VALUES ('course:c1', 99)", "a tag of an event that is not there"),
    ],
)
async def test_what_does_not_add_up_is_found_by_verify(
    engine: SqliteEngine, path: Path, statement: str, what: str
) -> None:
    await filled(engine)
    damage(path, statement)
    assert what in await errors_of(engine)


async def test_a_missing_or_swapped_event_is_found_by_the_fold(engine: SqliteEngine, path: Path) -> None:
    await filled(engine)
    damage(path, "UPDATE events SET version = version + 10 WHERE version > 1")
    damage(path, "UPDATE events SET version = 17 - version WHERE version > 1")
    with pytest.raises(StoreCorrupt):
        await engine.events.fold_rows(ANN)
    damage(path, "DELETE FROM events WHERE version = 3")
    with pytest.raises(StoreCorrupt):
        await engine.events.fold_rows(ANN)


async def test_damage_elsewhere_does_not_stop_a_read(engine: SqliteEngine, path: Path) -> None:
    await filled(engine)
    damage(path, "UPDATE events SET data = x'00' WHERE version = 5")
    assert len(await engine.events.load(ANN, up_to=4)) == 4
    assert (await engine.log.read(0, 0, 4, LogFilter(hidden=True))).next == 4


async def test_a_damaged_snapshot_is_none_and_a_warning(engine: SqliteEngine, path: Path) -> None:
    await engine.snapshots.save(Snapshot(stream="user-ann", kind="k", version=3, state=b"state"))
    damage(path, "UPDATE headwater_snapshots SET state = x'00'")
    assert await engine.snapshots.load("user-ann", "k") is None
    assert await errors_of(engine) == ["a damaged snapshot: it is ignored, and made anew"]


async def test_a_fold_of_many_pages_is_whole(path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}", EngineOptions())
    await engine.open()
    for _ in range(5):
        await engine.events.append(append_of(ANN, 900))
    for after in (0, 1, 499, 2_000, 2_500, 4_499, 4_500, 4_501):
        folded = await engine.events.fold_rows(ANN, after)
        assert (folded.version, len(folded.rows)) == (4_500, max(0, 4_500 - after))
        assert len(await engine.events.load(ANN, after)) == max(0, 4_500 - after)
    await engine.close()
