"""What is kept beside the read models: a journal in order, and plans that do not grow with the table."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from headwater.engines.postgres.engine import PostgresEngine
from headwater.engines.postgres.statements import Statements
from headwater.ports.journal import Entry
from tests.engines.postgres.stores import opened, select
from tests.engines.servers import fresh_schema


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(partitions="1") as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[PostgresEngine]:
    async with opened(url) as engine:
        yield engine


async def test_a_process_notes_in_the_order_it_asks(engine: PostgresEngine, url: str) -> None:
    """Numbers the server skipped, as after a crash, do not keep old entries for longer."""
    await select(
        url,
        "INSERT INTO headwater_journal (at, entered_by, action, subject, outcome, details) "
        "SELECT n, 'ann', 'a', 's', 'done', '' FROM generate_series(1, 15000) AS n",
    )
    await select(url, "SELECT setval(pg_get_serial_sequence('headwater_journal', 'number'), 20999)")
    await engine.journal.note(Entry(at=99, by="ann", action="a", subject="s"))
    assert await select(url, "SELECT count(*) FROM headwater_journal") == [(10_001,)]
    assert [each.at for each in await engine.journal.entries(limit=2)] == [99, 15_000]


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        ("list_parked", ("p", 0, 0, 7, None, None, None, None, 10), "headwater_parked_pkey"),
        ("list_parked", ("p", 0, 0, 7, "p", None, 0, None, 10), "headwater_parked_pkey"),
        ("list_parked_of_key", ("p", 0, 0, "k77", 10), "key"),
        ("list_parked_queues", ("p", 0, 0, 10), "headwater_parked"),
        ("is_held_up", ("q", 0, 0), "headwater_parked"),
        ("list_generation_checkpoints", ("p", 0), "headwater_checkpoints_pkey"),
        ("list_entries", (None, None, None, 10), "headwater_journal_pkey"),
        ("verify_events", ("user-77", 0, 10), "events_stream_version_key"),
        ("verify_streams", ("user-77", 10), "headwater_streams_pkey"),
        ("verify_offsets", (0, 100, 10), "events_pkey"),
        ("list_streams", ("user-77", "user.", 10), "headwater_streams_pkey"),
    ],
)
async def test_what_is_listed_is_found_by_an_index(
    url: str, engine: PostgresEngine, statement: str, values: tuple[object, ...], index: str
) -> None:
    await _fill(url)
    schema = url.partition("schema=")[2].partition("&")[0]
    text = Statements(schema, "events", "commands")[statement]
    for number, value in reversed(list(enumerate(values, 1))):
        literal = "NULL" if value is None else repr(value)
        text = text.replace(f"${number}", literal)
    plan = "\n".join(str(line) for (line,) in await select(url, f"EXPLAIN {text}"))
    assert not re.search(r"Seq Scan on (?!headwater_(partitions|categories|pauses))", plan), plan
    assert index in plan, plan


async def _fill(url: str) -> None:
    """Ten thousand of each, in a store of a few bytes each."""
    for table, columns, row in (
        ("headwater_parked", "projection, generation, partition, \"offset\", key, type, trace, attempts, parked_at",
         "'p', 0, n % 4, n, 'k' || n % 1000, 't', '', 1, 1"),
        ("headwater_checkpoints", "projection, partition, generation, key_range, \"offset\", epoch, effects",
         "'p' || n, 0, 0, 0, 0, 0, 0"),
        ("headwater_journal", "at, entered_by, action, subject, outcome, details", "n, '', 'a', 's', '', ''"),
        ("headwater_streams", "name, category, partition, version, last_timestamp, chain",
         "'user-' || n, 'user', 0, 1, 0, 0"),
        ("events", "partition, \"offset\", stream, version, event_id, timestamp, type, schema, data, context, checksum",
         "0, n, 'user-' || n, 1, gen_random_uuid(), 1, 't', 1, '', '', 0"),
    ):  # fmt: skip
        await select(url, f"INSERT INTO {table} ({columns}) SELECT {row} FROM generate_series(0, 9999) AS n")
    await select(url, "ANALYZE")
