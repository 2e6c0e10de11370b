"""Isolation: appends are right whatever isolation level a role or a database has by default."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from headwater.domain.append import Append, Check, Write
from headwater.domain.boundary import AppendCondition, Boundary, Mark
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion, Exact
from headwater.engines.postgres.engine import PostgresEngine
from headwater.errors import BoundaryChanged, WrongExpectedVersion
from headwater.testing.controls import append_of, atomic, new_event
from tests.engines.postgres.roles import a_role, as_role
from tests.engines.postgres.standing import apart, behind, standing
from tests.engines.postgres.stores import opened
from tests.engines.servers import fresh_schema

LEVELS = ["read committed", "repeatable read", "serializable"]
PATIENT = {"partitions": "4", "lock_timeout": "60", "deadline": "60"}


@pytest.fixture(params=LEVELS)
async def url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A store, opened by a role whose transactions have this level unless they say otherwise."""
    async with a_role(default_transaction_isolation=request.param) as role, fresh_schema(**PATIENT) as url:
        yield as_role(url, role)


@pytest.fixture
async def engines(url: str) -> AsyncIterator[list[PostgresEngine]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(opened(url)) for _ in range(2)]


async def test_what_is_checked_is_what_was_committed_while_one_waited(engines: list[PostgresEngine], url: str) -> None:
    first, second = engines
    written, checked, *_ = apart(first)
    await first.events.append(append_of(checked))
    checking = Append(
        writes=(Write(stream=written, expected=AnyVersion(), events=(new_event(),)),),
        checks=(Check(checked, Exact(1)),),
    )
    async with standing(second, append_of(checked)) as stands:
        appending = asyncio.create_task(atomic(first).append_atomic(checking))
        await behind(url, stands.session)
        stands.go_on()
        with pytest.raises(WrongExpectedVersion):
            await appending
        await stands.placed


async def test_a_boundary_is_as_it_was_committed_while_one_waited(engines: list[PostgresEngine], url: str) -> None:
    """Each is within the other's boundary: exactly one is committed."""
    first, second = engines
    here, there, *_ = apart(first)
    async with standing(second, within(there)) as stands:
        appending = asyncio.create_task(atomic(first).append_atomic(within(here)))
        await behind(url, stands.session)
        stands.go_on()
        with pytest.raises(BoundaryChanged):
            await appending
        await stands.placed


async def test_what_stands_alone_waits_for_others_and_goes_on(engines: list[PostgresEngine]) -> None:
    """Several that move one row at once: none is told that it came too late."""
    first, second = engines
    for _ in range(20):
        taken = await asyncio.gather(*(engine.leases.acquire("worker", "me", 5.0) for engine in (first, second) * 3))
        assert {lease.epoch for lease in taken if lease is not None} == {1}
        assert None not in taken


def within(stream: StreamId) -> Append:
    write = Write(stream=stream, expected=AnyVersion(), events=(new_event(tags=("course:1",)),))
    return Append(writes=(write,), conditions=(AppendCondition(Boundary(tags=["course:1"]), Mark()),))
