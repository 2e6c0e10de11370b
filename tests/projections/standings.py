"""Where projections stand, and events that only another release knows."""

from __future__ import annotations

from headwater.domain.messages import Event
from headwater.domain.registry import Registry
from tests.projections.shop import Added, Removed, Shop

__all__ = ["Foreign", "foreign", "heads", "offsets"]


class Foreign(Event, name="ShopForeign"):
    text: str = ""


async def foreign(shop: Shop, stream: str) -> None:
    """Append an event whose type the shop's own registry does not have."""
    other = Shop(shop.engine, shop.identity, shop.clock)
    other.registry = Registry()
    other.registry.register(Foreign, Added, Removed)
    await other.append(stream, Foreign(text="hello"))


async def offsets(shop: Shop, name: str = "stock") -> list[int]:
    """The checkpoints kept, by partition."""
    kept = {at.place.partition: at.offset for at in await shop.engine.projections.checkpoints(name)}
    return [kept.get(partition, 0) for partition in range(shop.engine.log.partitions)]


async def heads(shop: Shop) -> list[int]:
    return [await shop.engine.log.head(partition) for partition in range(shop.engine.log.partitions)]
