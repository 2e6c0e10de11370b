"""UniqueKeyHolders: unique keys against the streams that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec

from headwater.consistency.checks.check import Inconsistency, Part
from headwater.domain.append import UniqueKey
from headwater.domain.event import Recorded
from headwater.domain.registry import Registry
from headwater.domain.stream import StreamId
from headwater.ports.event_store import EventStore
from headwater.ports.unique_keys import HeldKey, UniqueKeys
from headwater.projections.decoding import Decoder

__all__ = ["ClaimsOf", "UniqueKeyHolders"]

ClaimsOf: TypeAlias = Callable[[Sequence[Recorded[object]]], Iterable[tuple[str, str]]]
"""From the events of a stream, in order, to the (scope, value) pairs it should hold."""


class UniqueKeyHolders:
    """Every claimed key is held by a stream that has events.

    Claims are made by appends and are not in the events; whether a stream's events account for its key is looked at
    where `claims_of` tells what they amount to. A part is `limit` keys, by scope and value.
    """

    def __init__(
        self,
        keys: UniqueKeys,
        events: EventStore,
        registry: Registry,
        *,
        claims_of: ClaimsOf | None = None,
        limit: int = 1_000,
    ) -> None:
        self._keys = keys
        self._events = events
        self._decoder = Decoder(registry)
        self._claims_of = claims_of
        self._limit = limit

    async def part(self, cursor: str) -> Part:
        """A cursor is the last key looked at, as JSON."""
        after = msgspec.json.decode(cursor, type=UniqueKey) if cursor else None
        page = await self._keys.held(after, self._limit)
        found = [Inconsistency(what, _shown(held.key)) for held in page if (what := await self._wrong(held))]
        next = msgspec.json.encode(page[-1].key).decode() if len(page) == self._limit else None
        return Part(found=found, next=next, looked_at=len(page))

    async def _wrong(self, held: HeldKey) -> str:
        """What is wrong with a key that is still held as it was listed; nothing, mostly."""
        if held.stream is None:
            return "it is held by a stream that is not there"
        stream = StreamId.parse(held.stream)
        what = ""
        if await self._events.head(stream) == 0:
            what = f"it is held by {held.stream}, which has no events"
        elif self._claims_of is not None and not await self._is_accounted_for(held.key, stream, self._claims_of):
            what = f"it is held by {held.stream}, whose events do not claim it"
        return what if what and await self._keys.holder(held.key) == held.stream else ""

    async def _is_accounted_for(self, key: UniqueKey, stream: StreamId, claims_of: ClaimsOf) -> bool:
        decoded = self._decoder.page(await self._events.load(stream))
        events: list[Recorded[object]] = []
        for item in decoded:
            if isinstance(item, Exception):
                raise item
            events.extend(item if isinstance(item, tuple) else (item,))
        return (key.scope, key.value) in set(claims_of(events))


def _shown(key: UniqueKey) -> str:
    return f"{key.scope} {key.value!r}"
