"""Reading: everything a store holds, through the engine's ports, for the checker."""

from __future__ import annotations

import msgspec

from headwater.ports.admin import Finding
from headwater.ports.engine import Engine
from tests.faults.history import Block, Held, Seen
from tests.faults.operation import SLOTS, Mark, slot

__all__ = ["damages", "held"]

_PAGE = 2_000
_EVERY = 10**9

_decode = msgspec.json.Decoder(Mark).decode


async def held(engine: Engine, *, keeps_order: bool = True) -> Held:
    """Events, command records and holders of slots; for `keeps_order` see Held."""
    events = [event for partition in range(engine.log.partitions) for event in await _events(engine, partition)]
    return Held(events, await _records(engine), await _holders(engine), keeps_order)


async def damages(engine: Engine) -> list[str]:
    """What the store's own verification finds."""
    return [f"{found.what} {found.where}" async for found in engine.admin.verify() if isinstance(found, Finding)]


async def _events(engine: Engine, partition: int) -> list[Seen]:
    events: list[Seen] = []
    start, head = 0, await engine.log.head(partition)
    while start < head:
        page = await engine.log.read(partition, start, _PAGE)
        for stored in page.events:
            mark = _decode(stored.data)
            place = (stored.offset, stored.stream, stored.version)
            events.append(Seen(*place, mark.id, mark.part, mark.of, mark.claims, mark.releases, partition))
        start = page.next
    return events


async def _records(engine: Engine) -> dict[str, Block]:
    records = await engine.commands.list(_EVERY, refused=False)
    return {record.id: (write.stream, write.first, write.last) for record in records for write in record.writes}


async def _holders(engine: Engine) -> dict[str, str]:
    holders = {str(number): await engine.unique_keys.holder(slot(str(number))) for number in range(SLOTS)}
    return {name: stream for name, stream in holders.items() if stream is not None}
