"""slow_consumer: a process whose consumer is a hundred times slower than its producer, and what it needs of memory.

Events come as fast as they can be appended; one of a hundred lets the slow projection go on by one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from headwater import AnyVersion, CQRSManager, Key, ProjectionHandler, ReadModel, Recorded, StreamId, Views, on
from headwater.domain.append import Append, Write
from headwater.domain.event import NewEvent
from headwater.handling.ids import uuid7
from headwater.projections.status import ProjectionStatus
from tests.faults.operation import Mark

__all__ = ["RATIO", "Look"]

RATIO = 100
"""Events appended for each that the slow consumer may handle."""
_APPEND = 500
_LOOKS = 40
_WARM = 0.1
"""The share of the events after which memory is measured first: caches are filled by then."""


class Look(msgspec.Struct, frozen=True):
    """What was seen when so many events were appended."""

    appended: int
    rss: int
    """Bytes."""
    lag: int
    """Of the slow one, in events."""
    lag_seconds: float
    behind: str
    """Who lags most, by the status."""


class Seen(ReadModel, table="seen_marks"):
    stream: Key[str]
    events: int = 0


class SeenSlowly(ReadModel, table="slowly_seen_marks"):
    stream: Key[str]
    events: int = 0


class Fast(ProjectionHandler, writes=[Seen], commutative=True):
    """Keeps up."""

    @on(Mark)
    async def seen(self, event: Recorded[Mark], views: Views) -> None:
        await views.add(Seen, event.stream, events=1)


class Slow(ProjectionHandler, writes=[SeenSlowly], commutative=True):
    """Handles an event when it may."""

    def __init__(self) -> None:
        self.allowed = asyncio.Semaphore(0)

    @on(Mark)
    async def seen(self, event: Recorded[Mark], views: Views) -> None:
        await self.allowed.acquire()
        await views.add(SeenSlowly, event.stream, events=1)


async def main(url: str, events: int, padding: int, hoarding: bool) -> None:
    """Print a Look on a line, some dozens of them."""
    slow, hoard = Slow(), list[NewEvent]()
    warm, step = int(events * _WARM), max(_APPEND, events // _LOOKS)
    async with CQRSManager(url, projections=[Fast(), slow]) as cqrs:
        for appended in range(_APPEND, events + 1, _APPEND):
            new = _marks(_APPEND, padding)
            stream = StreamId("slow", str(appended % 97))
            await cqrs.engine.events.append(Append(writes=(Write(stream=stream, expected=AnyVersion(), events=new),)))
            if hoarding:
                hoard.extend(new)
            for _ in range(_APPEND // RATIO):
                slow.allowed.release()
            if appended >= warm and appended % step < _APPEND:
                print(msgspec.json.encode(await _look(cqrs, appended)).decode(), flush=True)
        await _until_both_have_come(cqrs)
        print(msgspec.json.encode(await _look(cqrs, events)).decode(), flush=True)
        await cqrs.synchronizer.stop(drain=0)


async def _look(cqrs: CQRSManager, appended: int) -> Look:
    status = await cqrs.synchronizer.status()
    slow = next(one for one in status if one.projection == "slow")
    return Look(appended, _resident(), slow.lag, slow.lag_seconds, max(status, key=_lag).projection)


async def _until_both_have_come(cqrs: CQRSManager) -> None:
    """The fast one to the end, the slow one past its first page, which takes all it is allowed of 50,000 events."""
    while True:
        seen = cqrs.engine.wakeups.seen()
        if all(one.offset if one.projection == "slow" else one.lag == 0 for one in await cqrs.synchronizer.status()):
            return
        await cqrs.engine.wakeups.wait(seen, 1.0)


def _lag(one: ProjectionStatus) -> int:
    return one.lag


def _marks(number: int, padding: int) -> tuple[NewEvent, ...]:
    return tuple([NewEvent(uuid7(), "Mark", 1, _data(padding)) for _ in range(number)])


def _data(padding: int) -> bytes:
    return b'{"id":"","part":1,"of":1,"padding":"%s"}' % (os.urandom(padding // 2).hex().encode())


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), "hoarding" in sys.argv[4:]))
