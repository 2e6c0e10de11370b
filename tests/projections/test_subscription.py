"""Reading the log: bounded, live, resumed, and at its old pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from headwater.domain.event import Recorded
from headwater.domain.position import Position
from headwater.errors import InvalidInput, UnknownEventType
from headwater.projections.subscription import log_filter, read_log, replay, subscribe
from headwater.testing.clock import START
from tests.projections.shop import Added, Noted, Removed, Shop, WatchedWakeups

pytestmark = pytest.mark.above_engines


async def all_of(events: AsyncIterator[Recorded[object]]) -> list[object]:
    return [event.data async for event in events]


async def two_items(shop: Shop) -> None:
    """Five events, a second apart."""
    for number in range(5):
        await shop.append(f"item-{number % 2}", Added(units=number) if number % 2 else Removed(units=number))
        shop.clock.advance(1)


async def test_events_come_by_time_over_all_partitions(shop: Shop) -> None:
    await two_items(shop)
    events = [event async for event in read_log(shop.engine.log, shop.registry)]
    assert [getattr(event.data, "units", None) for event in events] == [0, 1, 2, 3, 4]
    assert await all_of(read_log(shop.engine.log, shop.registry, limit=2)) == [Removed(units=0), Added(units=1)]
    assert await all_of(read_log(shop.engine.log, shop.registry, limit=0)) == []


async def test_an_empty_log_has_no_events(shop: Shop) -> None:
    assert await all_of(read_log(shop.engine.log, shop.registry)) == []


async def test_what_a_reader_wants(shop: Shop) -> None:
    await two_items(shop)
    await shop.append("order-1", Noted())
    start = datetime.fromtimestamp(START / 1_000_000, UTC)
    second = timedelta(seconds=1)

    async def wanted(**only: Any) -> list[object]:
        return await all_of(read_log(shop.engine.log, shop.registry, log_filter(shop.registry, **only)))

    assert await wanted(types=[Added]) == await wanted(types=["ShopAdded"]) == [Added(units=1), Added(units=3)]
    assert await wanted(category="order") == [Noted()]
    assert await wanted(stream="item-1", types=[Added, Removed]) == [Added(units=1), Added(units=3)]
    assert await wanted(since=start + second, until=start + 3 * second) == [Added(units=1), Removed(units=2)]
    assert await wanted(metadata={"principal": "ann"}) == []


async def test_after_a_position_reading_goes_on_behind_it(shop: Shop) -> None:
    await two_items(shop)
    events = [event async for event in read_log(shop.engine.log, shop.registry)]
    seen = {event.position.partition: event.position for event in events[:3]}
    rest = [event async for event in read_log(shop.engine.log, shop.registry, after=seen.values())]
    assert [event.position for event in rest] == [event.position for event in events[3:]]
    assert await all_of(read_log(shop.engine.log, shop.registry, after="end")) == []


async def test_a_partition_the_log_has_not_is_refused(shop: Shop) -> None:
    with pytest.raises(InvalidInput, match="no partition 9"):
        await all_of(read_log(shop.engine.log, shop.registry, after=Position(9, 0)))


async def test_an_event_of_an_unknown_type_is_said(shop: Shop) -> None:
    await shop.append("item-1", Noted())
    registry = type(shop.registry)()
    with pytest.raises(UnknownEventType, match="ShopNoted"):
        await all_of(read_log(shop.engine.log, registry))


@pytest.mark.parametrize("after", ["start", "end"])
async def test_a_subscription_goes_on_with_what_is_committed_later(shop: Shop, after: Literal["start", "end"]) -> None:
    await shop.append("item-0", Added(units=1))
    got: asyncio.Queue[Recorded[object]] = asyncio.Queue()
    wakeups = WatchedWakeups(shop.engine)

    async def follow() -> None:
        async for event in subscribe(shop.engine.log, shop.registry, wakeups, after=after):
            got.put_nowait(event)

    task = asyncio.create_task(follow())
    if after == "start":
        assert (await got.get()).data == Added(units=1)
    else:
        await wakeups.rests.wait()
    for number in range(2, 5):
        await shop.append(f"item-{number}", Added(units=number))
        assert (await got.get()).data == Added(units=number)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert got.empty()


async def test_a_subscription_resumes_behind_the_last_event(shop: Shop) -> None:
    await two_items(shop)
    seen: dict[int, Position] = {}
    for part in range(5):
        async for event in subscribe(shop.engine.log, shop.registry, shop.engine.wakeups, after=seen.values()):
            seen[event.position.partition] = event.position
            break
        assert sum(position.offset + 1 for position in seen.values()) == part + 1


async def test_a_replay_keeps_the_pace(shop: Shop) -> None:
    await two_items(shop)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    events = replay(read_log(shop.engine.log, shop.registry), speed=2.0, sleep=sleep)
    assert len(await all_of(events)) == 5
    assert slept == [0.5] * 4


async def test_a_replay_without_pace_never_sleeps(shop: Shop) -> None:
    await two_items(shop)

    async def sleep(seconds: float) -> None:
        raise AssertionError

    assert len(await all_of(replay(read_log(shop.engine.log, shop.registry), speed=None, sleep=sleep))) == 5


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
async def test_a_speed_that_is_none_is_refused(shop: Shop, speed: float) -> None:
    with pytest.raises(InvalidInput, match="speed"):
        await all_of(replay(read_log(shop.engine.log, shop.registry), speed=speed))
