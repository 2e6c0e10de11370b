"""Groups of appends: how large one becomes, and what one of its appends is to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from headwater.domain.append import Append
from headwater.domain.stream import StreamId
from headwater.engines.postgres.engine import PostgresEngine
from headwater.testing.controls import append_of, new_event
from tests.engines.postgres.stores import opened, select
from tests.engines.servers import fresh_schema

EVENTS, BYTES = 10_000, 8 << 20


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(partitions="4", lock_timeout="1", deadline="60") as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[PostgresEngine]:
    async with opened(url) as engine:
        yield engine


def stream(number: int) -> StreamId:
    return StreamId("user", str(number))


def large(number: int, events: int, data: int, context: int) -> Append:
    """So many events, each with so many bytes."""
    value = b'"%s"' % (b"x" * (data - 2))
    return append_of(stream(number), [new_event(data=value) for _ in range(events)], context=b" " * context)


async def groups(url: str) -> list[tuple[int, int]]:
    """Events and bytes that were committed together."""
    sums = "SELECT count(*), sum(length(data) + length(context)) FROM events GROUP BY xmin::text ORDER BY min(ctid)"
    return cast("list[tuple[int, int]]", await select(url, sums))


@pytest.mark.parametrize(
    ("appends", "events", "data", "context", "at_once"),
    [
        (24, 1_000, 2, 0, 10),
        (20, 4, 200 << 10, 0, 10),
        (20, 100, 100, 16_000, 5),
        (3, 1_000, 2, 10_000, 1),
        (1_200, 1, 2, 0, 1_000),
    ],
    ids=["events", "data", "context", "alone too much", "appends"],
)
async def test_what_waits_together_is_committed_in_groups_of_some_size(
    engine: PostgresEngine, url: str, appends: int, events: int, data: int, context: int, at_once: int
) -> None:
    """`at_once`: how many appends fit into a group."""
    whole = [large(number, events, data, context) for number in range(appends)]
    await asyncio.gather(*map(engine.events.append, whole))
    found = await groups(url)
    assert sum(count for count, _ in found) == appends * events
    assert max(found) == (at_once * events, at_once * events * (data + context))
    assert len(found) == -(-appends // at_once)
    if at_once > 1:
        assert all(count <= EVENTS and size <= BYTES for count, size in found)
