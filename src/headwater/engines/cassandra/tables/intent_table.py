"""Intent table: the requests of the protocol about intents, as statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from headwater.engines.cassandra.protocol.requests import DeleteIntents, InsertIntent, ListSlots, ScanSlot
from headwater.engines.cassandra.protocol.rows import Intent
from headwater.engines.cassandra.session import Session, Step
from headwater.engines.cassandra.tables.gathering import Gathering
from headwater.engines.cassandra.tables.slot_list import SlotList

__all__ = ["IntentTable"]

_NO_FENCE: Final = -1
"""In the place of a null, which would be a tombstone."""


class IntentTable:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._gathering = Gathering(session.write)
        self._slots = SlotList(session)

    async def insert_intent(self, request: InsertIntent) -> bool:
        intent = request.intent
        fence = _NO_FENCE if intent.fence is None else intent.fence
        row = intent.part, intent.slot, intent.attempt, intent.stream, intent.chunk, intent.first_version, intent.count
        step: Step = "insert_intent", (*row, fence, request.timestamp)
        await self._gathering.write((intent.part, intent.slot), step)
        return True

    async def delete_intents(self, request: DeleteIntents) -> bool:
        slot = request.timestamp, request.part, request.slot
        await self._session.write(*[("delete_intent", (*slot, attempt)) for attempt in request.attempts])
        return True

    async def scan_slot(self, request: ScanSlot) -> Sequence[Intent]:
        rows = await self._session.rows("scan_slot", request.part, request.slot)
        return [
            Intent(
                request.part, request.slot, attempt, stream, chunk, first, count, None if fence == _NO_FENCE else fence
            )
            for attempt, stream, chunk, first, count, fence in cast("list[tuple[bytes, str, int, int, int, int]]", rows)
        ]

    async def list_slots(self, request: ListSlots) -> Sequence[int]:
        return await self._slots.of(request.part)
