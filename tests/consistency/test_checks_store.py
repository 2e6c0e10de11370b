"""Built-in checks of the command side's store: streams, checkpoints, unique keys."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from headwater.consistency.checks.keys import UniqueKeyHolders
from headwater.consistency.checks.streams import StreamHeads
from headwater.domain.append import Append, UniqueKey, Write
from headwater.domain.event import NewEvent, Recorded
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion
from headwater.engines.memory import MemoryEngine
from headwater.handling.ids import uuid7
from headwater.ports.engine import Engine
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from tests.consistency.checking import Application, Damage, found
from tests.projections.shop import Added, Noted, Shop, Stock

pytestmark = pytest.mark.above_engines

MAIL = UniqueKey("mail", "ann@example.com")


async def filled(shop: Shop) -> Application:
    """Three streams of three events, four keys, and a projection that has passed them all."""
    for number in range(3):
        await shop.append(f"item-{number}", Added(units=1), Added(units=2), Noted(text="mail"))
        await claim(shop, f"item-{number}", UniqueKey("sku", str(number)))
    await claim(shop, "item-0", MAIL)
    application = Application(shop, Stock())
    await application.caught_up()
    return application


async def claim(shop: Shop, stream: str, key: UniqueKey) -> None:
    event = NewEvent(uuid7(), *shop.registry.encode(Noted(text=key.scope)))
    write = Write(stream=StreamId.parse(stream), expected=AnyVersion(), events=(event,), claims=(key,))
    await shop.engine.events.append(Append(writes=(write,)))


@pytest.mark.parametrize("limit", [1, 2, 1_000])
@pytest.mark.parametrize(("name", "looked_at"), [("stream_heads", 3 + 13), ("unique_keys", 4)])
async def test_a_healthy_store_passes_in_parts_of_any_size(shop: Shop, name: str, looked_at: int, limit: int) -> None:
    result = await (await filled(shop)).built_in(name, limit=limit)
    assert (result.outcome, found(result), result.looked_at) == ("ok", [], looked_at)


async def test_healthy_checkpoints_pass(shop: Shop) -> None:
    result = await (await filled(shop)).built_in("checkpoints")
    assert (result.outcome, result.looked_at) == ("ok", shop.engine.log.partitions)


async def test_an_empty_store_passes(shop: Shop) -> None:
    for name in ("stream_heads", "checkpoints", "unique_keys", "rows_stock"):
        assert (await Application(shop, Stock()).built_in(name)).outcome == "ok"


# -- streams and log -----------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 1_000])
async def test_an_event_lost_from_a_stream_is_found(shop: Shop, engine: Engine, limit: int) -> None:
    application = await filled(shop)
    await Damage(engine).lose_event("item-1", 2)
    result = await application.built_in("stream_heads", limit=limit)
    assert result.outcome == "inconsistent"
    assert result.inconsistencies[0].where == "item-1"
    if isinstance(engine, MemoryEngine):
        assert result.inconsistencies[0].what == "version 2 is missing"


async def test_an_event_that_the_log_has_lost_is_found(shop: Shop, engine: Engine) -> None:
    application = await filled(shop)
    await Damage(engine).lose_from_log("item-1")
    result = await application.built_in("stream_heads")
    assert result.outcome == "inconsistent"
    assert "item-1" in {where for where, _ in found(result)}


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
async def test_a_gap_in_the_log_is_found(shop: Shop, engine: Engine) -> None:
    application = await filled(shop)
    last = (await shop.engine.events.load(StreamId("item", "1")))[-1].offset
    await Damage(engine).lose_from_log("item-1")
    what = f"an event is missing before it: {last} was next"
    assert (f"0:{last + 1}", what) in found(await application.built_in("stream_heads"))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_an_event_that_cannot_be_read_is_found(shop: Shop, engine: Engine) -> None:
    application = await filled(shop)
    await Damage(engine).corrupt("item-1")
    result = await application.built_in("stream_heads")
    assert "item-1" in {where for where, _ in found(result)}


class Growing:
    """An admin whose listing is overtaken by appends at once."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def __getattr__(self, name: str) -> object:
        return getattr(self._shop.engine.admin, name)

    async def streams(self, after: str = "", limit: int = 100, category: str | None = None) -> Sequence[object]:
        listed = await self._shop.engine.admin.streams(after, limit, category)
        for info in listed:
            await self._shop.append(info.stream, Added(units=1))
        return listed


async def test_appends_meanwhile_are_no_inconsistency(shop: Shop) -> None:
    await filled(shop)
    engine = shop.engine
    check = StreamHeads(Growing(shop), engine.events, engine.log, limit=2)  # type: ignore[arg-type]  # wraps one
    cursor: str | None = ""
    while cursor is not None:
        part = await check.part(cursor)
        assert part.found == []
        cursor = part.next


# -- checkpoints ---------------------------------------------------------------


async def test_a_checkpoint_ahead_of_its_log_is_found(shop: Shop) -> None:
    application = await filled(shop)
    place = Place("elsewhere")
    head = await shop.engine.log.head(0)
    for at, effects in ((head, head), (head + 1, None), (head + 2, head + 7)):
        kept = await shop.engine.projections.checkpoint(place)
        await shop.engine.projections.commit(
            ProjectionCommit(place=place, epoch=1, start=kept.offset, next=at, effects=effects)
        )
        if at == head:
            assert (await application.built_in("checkpoints")).outcome == "ok"
    assert found(await application.built_in("checkpoints")) == [
        ("elsewhere:0:0:0", f"a checkpoint at {head + 2}, ahead of the log, which ends at {head}"),
        ("elsewhere:0:0:0", f"side effects up to {head + 7}: the log ends at {head}"),
    ]


async def test_a_checkpoint_in_a_partition_the_log_lacks_is_found(shop: Shop) -> None:
    application = await filled(shop)
    commit = ProjectionCommit(place=Place("wide", partition=9), epoch=1, start=0, next=1)
    await shop.engine.projections.commit(commit)
    ((where, what),) = found(await application.built_in("checkpoints"))
    assert (where, what) == ("wide:0:9:0", f"a checkpoint in partition 9: the log has {shop.engine.log.partitions}")


# -- unique keys ---------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 1_000])
async def test_a_key_held_by_no_stream_is_found(shop: Shop, engine: Engine, limit: int) -> None:
    application = await filled(shop)
    await Damage(engine).claim(UniqueKey("mail", "bob@example.com"))
    result = await application.built_in("unique_keys", limit=limit)
    ((where, what),) = found(result)
    assert (where, result.looked_at) == ("mail 'bob@example.com'", 5)
    assert what.startswith("it is held by")


def claims_of(events: Sequence[Recorded[object]]) -> list[tuple[str, str]]:
    """What a stream of the shop holds, by its notes: its number, and a mail that it should not have any more."""
    number = events[0].stream.partition("-")[2]
    return [("sku", number) for event in events if isinstance(event.data, Noted)]


async def test_a_key_that_its_streams_events_do_not_claim_is_found(shop: Shop) -> None:
    application = await filled(shop)
    result = await application.built_in("unique_keys", claims_of=claims_of)
    assert found(result) == [("mail 'ann@example.com'", "it is held by item-0, whose events do not claim it")]


async def test_a_key_released_meanwhile_is_no_inconsistency(shop: Shop) -> None:
    await filled(shop)

    def released_first(events: Sequence[Recorded[object]]) -> list[tuple[str, str]]:
        keys.is_released = True
        return claims_of(events)

    class Releasing:
        is_released = False

        def __getattr__(self, name: str) -> object:
            return getattr(shop.engine.unique_keys, name)

        async def holder(self, key: UniqueKey) -> str | None:
            return None if self.is_released else await shop.engine.unique_keys.holder(key)

    keys = Releasing()
    check = UniqueKeyHolders(keys, shop.engine.events, shop.registry, claims_of=released_first)  # type: ignore[arg-type]
    assert (await check.part("")).found == []
