"""Damage: whatever is changed behind the engine's back is found by verify."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.domain.append import UniqueKey
from headwater.domain.importing import Import
from headwater.domain.stream import StreamId
from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.engines.cassandra.verifying import chunk_verification, log_verification
from headwater.ports.admin import Finding
from headwater.ports.engine import EngineOptions
from headwater.ports.snapshots import Snapshot
from headwater.testing.controls import ANN, BOB, MAIL, append_of, command_of, new_event
from tests.engines.cassandra_servers import fresh_keyspace

LATER = "USING TIMESTAMP 9000000000000000"
"""Behind every write of the engine."""
ROW = "stream = 'user-ann' AND chunk = 0 AND version"
PLACE = "part = 0 AND bucket = 0 AND log_offset"


@pytest.fixture
async def engine() -> AsyncIterator[CassandraEngine]:
    """Ann's stream has five events, Bob's three; both are in the log, and all that follows from it is settled."""
    async with fresh_keyspace(partitions="1", deadline="5") as url:
        engine = open_engine(url, EngineOptions())
        await engine.open()
        rows = [new_event(data=b'{"number":%d}' % n, topic="out" if n == 2 else None) for n in range(1, 6)]
        await engine.events.append(append_of(ANN, rows, command=command_of("c1"), claims=(MAIL,)))
        await engine.events.append(append_of(BOB, 3))
        assert await engine.log.head(0) == 8
        assert await engine.events.count("user") == 2
        yield engine
        await engine.close()


async def damage(engine: CassandraEngine, statement: str) -> None:
    cql = engine._cql
    await engine._session.run(statement.format(events=f"{cql.keyspace}.events", keyspace=cql.keyspace, later=LATER))


async def found_by(engine: CassandraEngine) -> list[Finding]:
    return [step async for step in engine.admin.verify() if isinstance(step, Finding)]


@pytest.mark.parametrize(
    ("statement", "whats"),
    [
        (f"UPDATE {{events}} {{later}} SET data = 0x7b7d WHERE {ROW} = 3", ["another one in its stream", "checksum"]),
        (f"UPDATE {{events}} {{later}} SET tags = ['a:b'] WHERE {ROW} = 3", ["another one in its stream"]),
        (f"DELETE FROM {{events}} {{later}} WHERE {ROW} = 3", ["stream does not have", "with a hole", "other events"]),
        (f"DELETE FROM {{events}} {{later}} WHERE {ROW} = 5", ["stream does not have", "does not end"]),
        (f"UPDATE {{events}} {{later}} SET log_offset = 7 WHERE {ROW} = 3", ["lies elsewhere", "not in their order"]),
        (
            f"UPDATE {{events}} {{later}} SET log_offset = null WHERE {ROW} = 3",
            ["or nowhere", "other events in the log"],
        ),
        (
            "UPDATE {events} {later} SET partition_key = 'other', logged = 4 WHERE stream = 'user-ann' AND chunk = 0",
            ["other events in the log than a stream says"],
        ),
        (
            f"UPDATE {{keyspace}}.headwater_log {{later}} SET context = 0x5b5d WHERE {PLACE} = 2",
            ["of the log that does"],
        ),
        (f"UPDATE {{keyspace}}.headwater_log {{later}} SET log_time = 7 WHERE {PLACE} = 2", ["log time"]),
        (f"UPDATE {{keyspace}}.headwater_log {{later}} SET version = 9 WHERE {PLACE} = 2", ["checksum", "not have"]),
        (f"DELETE FROM {{keyspace}}.headwater_log {{later}} WHERE {PLACE} = 2", ["offsets with a hole"]),
        (
            "UPDATE {keyspace}.headwater_stream_counts {later} SET streams = 7 WHERE part = 0 AND category = 'user'",
            ["a category counts other streams"],
        ),
        (
            "DELETE FROM {keyspace}.headwater_stream_names {later} "
            "WHERE part = 0 AND category = 'user' AND stream = 'user-bob'",
            ["does not name all"],
        ),
        (
            "INSERT INTO {keyspace}.headwater_stream_names (part, category, stream) VALUES (0, 'user', 'user-eve')",
            ["a name of a stream that is not there"],
        ),
    ],
)
async def test_damage_is_found(engine: CassandraEngine, statement: str, whats: list[str]) -> None:
    assert await found_by(engine) == []
    await damage(engine, statement)
    found = await found_by(engine)
    assert "error" in {finding.severity for finding in found}
    said = "\n".join(finding.what for finding in found)
    assert [what for what in whats if what not in said] == []
    assert all(finding.where for finding in found)


async def test_an_event_of_another_partition_is_found(engine: CassandraEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine._log, "partition_of", lambda key: 1)
    assert "an event in another partition than its stream" in {finding.what for finding in await found_by(engine)}


async def test_an_event_that_the_log_does_not_get_is_a_warning(engine: CassandraEngine) -> None:
    """Its intent is lost, and whoever appended it is gone."""
    await engine._sequencers.stop()
    await engine.events.append(append_of(ANN))
    engine._unlogged._versions.clear()
    engine._unsettled._versions.clear()
    (finding,) = await found_by(engine)
    assert (finding.severity, finding.where) == ("warning", str(ANN))
    assert "yet to come into the log" in finding.what


async def test_a_snapshot_is_looked_at(engine: CassandraEngine) -> None:
    await engine.snapshots.save(Snapshot(stream=str(ANN), kind="k", version=3, state=b"{}"))
    assert await found_by(engine) == []
    await engine.snapshots.save(Snapshot(stream=str(ANN), kind="k", version=9, state=b"{}"))
    (ahead,) = await found_by(engine)
    assert "ahead of its stream" in ahead.what
    await damage(
        engine,
        "UPDATE {keyspace}.headwater_snapshots {later} SET state = 0x00 WHERE stream = 'user-ann' AND kind = 'k'",
    )
    (damaged,) = await found_by(engine)
    assert (damaged.severity, "damaged snapshot" in damaged.what) == ("warning", True)


async def test_a_key_of_no_stream_is_found(engine: CassandraEngine) -> None:
    key = UniqueKey("scope", "value")
    await engine.events.append(append_of(StreamId("user", "eve"), claims=(key,)))
    await damage(
        engine,
        "UPDATE {keyspace}.headwater_unique_keys {later} SET holder = 'user-nobody', attempt = null "
        "WHERE scope = 'scope' AND value = 'value'",
    )
    assert "a unique key held by no stream" in {finding.what for finding in await found_by(engine)}


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM {keyspace}.headwater_command_places WHERE command = 'c1'", "a damaged record"),
        (
            "UPDATE {keyspace}.headwater_log {later} SET first = 0x WHERE part = -1 AND bucket = 0 AND log_offset = 1",
            "a damaged record",
        ),
        (
            "DELETE FROM {keyspace}.headwater_log {later} WHERE part = -1 AND bucket = 0 AND log_offset = 1",
            "records of copied commands are missing",
        ),
    ],
)
async def test_records_of_copied_commands_are_looked_at(statement: str, what: str) -> None:
    async with fresh_keyspace(partitions="1") as url:
        engine = open_engine(url, EngineOptions())
        await engine.open()
        await engine.imports.begin("the source")
        await engine.imports.take(Import(commands=[command_of(f"c{number}") for number in range(3)]))
        assert await found_by(engine) == []
        await damage(engine, statement)
        (finding,) = await found_by(engine)
        await engine.close()
    assert what in finding.what


async def test_pages_and_buckets_have_no_seam(engine: CassandraEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_verification, "_PAGE", 3)
    monkeypatch.setattr(chunk_verification, "_KEPT", 1)
    steps = [step async for step in engine.admin.verify()]
    assert [step for step in steps if isinstance(step, Finding)] == []
    assert [step for step in steps if isinstance(step, int)][:3] == [3, 6, 8]
