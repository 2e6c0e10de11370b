"""A sequencer looks where writers are now, and once where an append of its own process has ended in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar, cast

from headwater.engines.cassandra.appending.hints import Hints
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.appending.sequencer import Sequencer
from headwater.engines.cassandra.appending.under_way import UnderWay
from headwater.engines.cassandra.protocol.core import Asked, Core
from headwater.engines.cassandra.protocol.replies import APPLIED
from headwater.engines.cassandra.protocol.request import ConditionalWrite, Request
from headwater.engines.cassandra.protocol.requests import (
    ListSlots,
    ReadBucketSerially,
    ReadCounts,
    ReadLease,
    ReadSettled,
    ScanSlot,
)
from headwater.engines.cassandra.protocol.rows import Bucket, Intent
from headwater.engines.cassandra.protocol.shape import Shape

T = TypeVar("T")
LONG_AGO = Intent(part=0, slot=7, attempt=b"a", stream="s-1", chunk=0, first_version=1, count=1, fence=None)
EMPTY: dict[type, object] = {
    ReadLease: None,
    ReadSettled: None,
    ReadCounts: {},
    ReadBucketSerially: Bucket(None, None, ()),
    ListSlots: (),
    ScanSlot: (),
}


class EmptyStore:
    """A performer for which nothing was ever written; it remembers which slots were scanned."""

    def __init__(self) -> None:
        self.scanned = list[int]()
        self._next = asyncio.Condition()

    async def run(self, core: Core[T]) -> T:
        reply: object = None
        while True:
            try:
                asked = core.send(reply)
            except StopIteration as end:
                return cast("T", end.value)
            reply = await self._replies(asked)

    async def _replies(self, asked: Asked) -> object:
        if isinstance(asked, Request):
            return await self._reply(asked)
        return [await self._reply(each) for each in asked]

    async def _reply(self, request: Request[object]) -> object:
        if isinstance(request, ScanSlot):
            async with self._next:
                self.scanned.append(request.slot)
                self._next.notify_all()
        return APPLIED if isinstance(request, ConditionalWrite) else EMPTY[type(request)]

    async def has_scanned(self, slot: int, since: int = 0) -> None:
        async with self._next:
            await self._next.wait_for(lambda: slot in self.scanned[since:])


@asynccontextmanager
async def working(store: EmptyStore, under_way: UnderWay) -> AsyncIterator[None]:
    def nobody(*_: object) -> None: ...

    performer = cast("Performer", store)
    sequencer = Sequencer(0, "me", performer, Shape(), Hints(1), under_way, nobody, nobody)
    work = asyncio.create_task(sequencer.work())
    try:
        yield
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def test_a_slot_of_an_append_in_doubt_is_scanned_once_however_old_it_is() -> None:
    store, under_way = EmptyStore(), UnderWay()
    async with working(store, under_way):
        under_way.doubt(LONG_AGO)
        await store.has_scanned(LONG_AGO.slot)
        seen = len(store.scanned)
        await store.has_scanned(max(store.scanned), since=seen)
        assert LONG_AGO.slot not in store.scanned[seen:]
