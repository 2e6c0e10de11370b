"""The seed's siblings, name by name: the log, read, followed and replayed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from examples.users.messages import (
    UpdateUserEmail,
    UserEmailChanged,
)
from headwater import (
    Context,
    CQRSManager,
    Recorded,
)
from tests.scenarios.seed import JOHN


async def test_events_by_type_date_metadata_and_category(cqrs: CQRSManager) -> None:
    await cqrs.commands.execute(JOHN, context=Context(principal="ada", headers={"source": "web"}))
    middle = datetime.now(UTC)
    await cqrs.commands.execute(UpdateUserEmail(user_id="u1", new_email="b@x"), context=Context(principal="bob"))

    async def types(events: AsyncIterator[Recorded[object]]) -> list[str]:
        return [event.type async for event in events]

    both = ["UserCreated", "UserEmailChanged"]
    assert await types(cqrs.read_log()) == both
    assert await types(cqrs.read_log(category="user")) == both
    assert await types(cqrs.read_log(category="order")) == []
    assert await types(cqrs.read_log(types=[UserEmailChanged])) == both[1:]
    assert await types(cqrs.read_log(until=middle)) == both[:1]
    assert await types(cqrs.read_log(since=middle)) == both[1:]
    assert await types(cqrs.read_log(metadata={"principal": "bob"})) == both[1:]
    assert await types(cqrs.read_log(metadata={"source": "web"})) == both[:1]
    assert await types(cqrs.read_log(limit=1)) == both[:1]


async def test_subscribe_from_the_start_and_live(cqrs: CQRSManager) -> None:
    await cqrs.commands.execute(JOHN)
    events = cqrs.subscribe(category="user", after="start")
    first = await anext(events)
    waiting = asyncio.ensure_future(anext(events))
    await cqrs.commands.execute(UpdateUserEmail(user_id="u1", new_email="b@x"))
    second = await waiting
    assert [first.version, second.version] == [1, 2]
    resumed = cqrs.subscribe(category="user", after=first.position)
    assert (await anext(resumed)).version == 2


async def test_replay(cqrs: CQRSManager) -> None:
    await cqrs.commands.execute(JOHN)
    await cqrs.commands.execute(UpdateUserEmail(user_id="u1", new_email="b@x"))
    assert [event.type async for event in cqrs.replay(speed=1000.0)] == ["UserCreated", "UserEmailChanged"]
