"""Damage: whatever is changed behind the engine's back is found by verify, and by whoever reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.domain.append import UniqueKey
from headwater.domain.stream import StreamId
from headwater.engines.postgres import verification
from headwater.engines.postgres.engine import PostgresEngine
from headwater.errors import StoreCorrupt
from headwater.ports.admin import Finding
from headwater.ports.snapshots import Snapshot
from headwater.testing.controls import ANN, BOB, append_of, new_event
from tests.engines.postgres.stores import opened, select
from tests.engines.servers import fresh_schema

CONTEXT = b'{"principal":"ann"}'


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(partitions="2") as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[PostgresEngine]:
    """Ann's stream has five events, Bob's three."""
    async with opened(url) as engine:
        rows = [new_event(data=b'{"number":%d}' % n, topic="out" if n == 2 else None) for n in range(1, 6)]
        await engine.events.append(append_of(ANN, rows, context=CONTEXT))
        await engine.events.append(append_of(BOB, 3))
        yield engine


async def findings_of(engine: PostgresEngine) -> list[Finding]:
    return [found async for found in engine.admin.verify() if isinstance(found, Finding)]


async def errors_of(engine: PostgresEngine) -> list[str]:
    return [found.what for found in await findings_of(engine)]


async def test_every_flipped_bit_of_data_is_found_by_every_reader(engine: PostgresEngine, url: str) -> None:
    data = b'{"number":3}'
    partition = engine.log.partition_of(str(ANN))
    for bit in range(0, len(data) * 8, 5):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        await select(url, "UPDATE events SET data = $1 WHERE stream = 'user-ann' AND version = 3", bytes(flipped))
        for read in (engine.events.load(ANN), engine.events.fold_rows(ANN), engine.log.read(partition, 0, 10)):
            with pytest.raises(StoreCorrupt, match="headwater verify"):
                await read
        assert "an event that does not match its checksum" in await errors_of(engine)


@pytest.mark.parametrize(
    "change",
    [
        "type = 'Other'",
        "schema = 2",
        "topic = 'out'",
        "timestamp = timestamp + 1",
        "event_id = gen_random_uuid()",
        "checksum = checksum + 1",
        "checksum = checksum + 4294967296",
        "data = ''",
        "context = '{}'",
    ],
)
async def test_a_changed_column_is_found_by_verify(engine: PostgresEngine, url: str, change: str) -> None:
    assert await errors_of(engine) == []
    await select(url, f"UPDATE events SET {change} WHERE stream = 'user-ann' AND version = 3")
    assert "an event that does not match its checksum" in await errors_of(engine)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM events WHERE version = 3 AND stream = 'user-ann'", "versions with a hole: an event is missing"),
        ("DELETE FROM events WHERE version = 3", "offsets with a hole: events are missing"),
        ("DELETE FROM events WHERE version = 5", "another number of events than its version"),
        ("DELETE FROM events WHERE stream = 'user-bob'", "another number of events than its version"),
        ("UPDATE headwater_streams SET version = 2", "another number of events than its version"),
        ("UPDATE headwater_streams SET version = 9", "another number of events than its version"),
        ("UPDATE headwater_streams SET chain = 1", "a stream that does not match its last event"),
        ("UPDATE headwater_streams SET partition = 1 - partition", "an event in another partition than its stream"),
        ("DELETE FROM headwater_streams", "an event of a stream that is not there"),
        ("UPDATE headwater_categories SET streams = 7", "a category counts other streams than there are"),
        ("DELETE FROM headwater_categories", "a category counts other streams than there are"),
        ("UPDATE headwater_partitions SET next = next + 1", "offsets with a hole: events are missing"),
        ("UPDATE headwater_partitions SET next = 1", "events behind the end of their partition"),
        ("INSERT INTO headwater_unique_keys VALUES ('mail', 'x', 'user-eve')", "a unique key held by no stream"),
        ("UPDATE headwater_unique_keys SET stream = 'user-eve'", "a unique key held by no stream"),
        ("INSERT INTO headwater_tags VALUES ('course:c1', 1, 99)", "a tag of an event that is not there"),
    ],
)
async def test_what_does_not_add_up_is_found_by_verify(
    engine: PostgresEngine, url: str, statement: str, what: str
) -> None:
    await engine.events.append(append_of(StreamId("user", "carl"), claims=(UniqueKey("mail", "carl"),)))
    assert await errors_of(engine) == []
    await select(url, statement)
    assert what in await errors_of(engine)


async def test_snapshots_that_fit_nothing_are_found(engine: PostgresEngine, url: str) -> None:
    for version, kind in enumerate(("good", "damaged", "ahead"), 1):
        await engine.snapshots.save(Snapshot(stream="user-bob", kind=kind, version=version, state=b"state"))
    assert await findings_of(engine) == []
    await select(url, "UPDATE headwater_snapshots SET state = 'other' WHERE kind = 'damaged'")
    await select(url, "UPDATE headwater_streams SET version = 2 WHERE name = 'user-bob'")
    found = [each for each in await findings_of(engine) if "snapshot" in each.what]
    assert [(each.severity, each.what) for each in found] == [
        ("error", "a snapshot ahead of its stream"),
        ("warning", "a damaged snapshot: it is ignored, and made anew"),
    ]


async def test_a_finding_says_where(engine: PostgresEngine, url: str) -> None:
    await select(url, "UPDATE events SET type = 'Other' WHERE stream = 'user-ann' AND version = 3")
    (partition, offset), *_ = await select(url, 'SELECT partition, "offset" FROM events WHERE type = $1', "Other")
    (found,) = await findings_of(engine)
    assert found.where == f"user-ann version 3, partition {partition}, offset {offset}"


async def test_no_page_boundary_hides_anything(
    engine: PostgresEngine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        await engine.events.append(append_of(StreamId(f"c{number}", "a"), 2, claims=(UniqueKey("k", str(number)),)))
    for page in (1, 2, 3):
        for name in ("_PAGE", "_CATEGORIES", "_OFFSETS"):
            monkeypatch.setattr(verification, name, page)
        steps = [step async for step in engine.admin.verify()]
        assert not [step for step in steps if isinstance(step, Finding)]
        assert steps[-1] == 22
    await select(url, "UPDATE events SET type = 'Other' WHERE version = 2")
    await select(url, "DELETE FROM headwater_streams WHERE name = 'c3-a'")
    whole = sorted(each.what for each in await findings_of(engine))
    assert whole.count("an event that does not match its checksum") == 9
    assert whole.count("an event of a stream that is not there") == 2
    assert whole.count("a category counts other streams than there are") == 1
    assert whole.count("a unique key held by no stream") == 1
    assert len(whole) == 13


async def test_what_is_appended_meanwhile_is_no_finding(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_PAGE", "_CATEGORIES", "_OFFSETS"):
        monkeypatch.setattr(verification, name, 1)
    number = 0
    async for step in engine.admin.verify():
        assert not isinstance(step, Finding), step
        number += 1
        if number < 60:  # else the walk never ends: what is new lies ahead of it
            await engine.events.append(append_of(StreamId("user", f"b{number}")))
            await engine.events.append(append_of(ANN))
