"""Groups of appends: how large one becomes, and what one of its appends is to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import cast

import msgspec
import pytest

from headwater.domain.append import Append, Appended, UniqueKey
from headwater.domain.stream import StreamId
from headwater.engines.postgres.append_locks import AppendLocks
from headwater.engines.postgres.engine import PostgresEngine
from headwater.errors import StoreBusy, UniqueKeyTaken
from headwater.testing.controls import append_of, command_of, new_event
from tests.engines.postgres.roles import a_role, as_role
from tests.engines.postgres.standing import apart, behind, standing
from tests.engines.postgres.stores import opened, select
from tests.engines.servers import fresh_schema

EVENTS, BYTES = 10_000, 8 << 20
KEY = UniqueKey("mail", "ann@example.com")


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(partitions="4", lock_timeout="60", deadline="60") as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[PostgresEngine]:
    async with opened(url) as engine:
        yield engine


@pytest.fixture
async def other(url: str) -> AsyncIterator[PostgresEngine]:
    """As good as another process."""
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


async def test_one_whose_key_somebody_else_is_taking_waits_without_its_group(url: str, other: PostgresEngine) -> None:
    async with opened(f"{url}&lock_timeout=0.5") as engine:
        there, *here = apart(other)
        async with standing(other, append_of(there, claims=(KEY,))):
            await busy_alone(engine, append_of(here[0], claims=(KEY,)), here)


async def test_one_whose_key_somebody_else_is_giving_up_waits_without_its_group(
    url: str, other: PostgresEngine
) -> None:
    async with opened(f"{url}&lock_timeout=0.5") as engine:
        there, *here = apart(other)
        await other.events.append(append_of(there, claims=(KEY,)))
        async with standing(other, append_of(there, releases=(KEY,))):
            await busy_alone(engine, append_of(here[0], claims=(KEY,)), here)


async def test_one_whose_command_is_at_work_elsewhere_waits_without_its_group(url: str, other: PostgresEngine) -> None:
    async with opened(f"{url}&lock_timeout=0.5") as engine:
        there, *here = apart(other)
        async with standing(other, append_of(there, command=command_of("c"))):
            await busy_alone(engine, append_of(here[0], command=command_of("c")), here)


async def test_one_that_the_server_gives_up_is_given_up_without_its_group(url: str, other: PostgresEngine) -> None:
    """The server's own time-out of statements is shorter than that of locks."""
    async with a_role(statement_timeout="500ms") as role, opened(as_role(url, role)) as engine:
        there, *here = apart(other)
        async with standing(other, append_of(there, claims=(KEY,))):
            await busy_alone(engine, append_of(here[0], claims=(KEY,)), here)


async def test_one_that_waits_in_a_circle_is_left_by_its_group(url: str) -> None:
    """Whoever has its key wants its partition: the server ends the group's transaction, and the others go on."""
    async with (
        a_role(deadlock_timeout="2s") as role,
        a_role(deadlock_timeout="1h") as another,
        opened(as_role(url, role)) as engine,
        opened(as_role(url, another)) as other,
    ):
        there, contended, *free = apart(engine)
        partition = AppendLocks(engine.location.schema, "events").begin([engine.log.partition_of(str(contended))])
        async with standing(other, append_of(there, claims=(KEY,))) as stands:
            good = [asyncio.create_task(engine.events.append(append_of(each))) for each in free]
            circular = asyncio.create_task(engine.events.append(append_of(contended, claims=(KEY,))))
            await behind(url, stands.session)
            locking = asyncio.create_task(stands.execute(partition))
            await asyncio.gather(*good)
            await locking
            assert not circular.done()
            stands.go_on()
            with pytest.raises(UniqueKeyTaken):
                await circular


async def test_one_that_cannot_even_be_planned_is_refused_without_its_group(engine: PostgresEngine) -> None:
    schema: object = ["no number"]
    bad = append_of(stream(0), [msgspec.structs.replace(new_event(), schema=schema)])
    appends = [append_of(stream(0)), bad, append_of(stream(0)), append_of(stream(1))]
    told = await asyncio.gather(*map(engine.events.append, appends), return_exceptions=True)
    assert [type(each) for each in told] == [Appended, TypeError, Appended, Appended]
    assert [await engine.events.head(stream(number)) for number in range(2)] == [2, 1]


async def busy_alone(engine: PostgresEngine, busy: Append, here: Sequence[StreamId]) -> None:
    """It has to wait too long, and all others of its group are committed."""
    appends = [append_of(stream) for stream in here]
    told = await asyncio.gather(*map(engine.events.append, [appends[0], busy, *appends[1:]]), return_exceptions=True)
    assert [type(each) for each in told] == [Appended, StoreBusy, *[Appended] * (len(here) - 1)]
    assert [await engine.events.head(stream) for stream in here] == [1] * len(here)
