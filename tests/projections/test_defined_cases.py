"""What becomes of a projection in each of the cases that are easily forgotten."""

from __future__ import annotations

import pytest

from headwater.consistency.waiting import TokenWaiter
from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import ProjectionOutdated, UnknownName
from headwater.models.model import Key, ReadModel
from headwater.projections.batch import BatchProjectionHandler
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import RunnerOptions
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from tests.projections.mail import history, run_to_the_end
from tests.projections.shop import Added, Noted, Shop, Stock, StockView, no_sleep
from tests.projections.standings import foreign, heads, offsets

OPTIONS = RunnerOptions(sleep=no_sleep, save_seconds=0.01, save_every=10, watch_seconds=0.05, batch_size=5)


async def process(shop: Shop, *handlers: ProjectionHandler) -> ReadModelSynchronizer:
    synchronizer = shop.synchronizer(*handlers, parts=shop.fresh_parts(), options=OPTIONS)
    await synchronizer.start()
    return synchronizer


# -- filtered projections, and batches that come to nothing ------------------------


class OfItem1(Stock, name="stock", wants=lambda event: event.stream == "item-1"):
    """Wants the events of one item only."""


class OfEverything(ProjectionHandler, writes=[StockView], name="stock"):
    """Gets every event, and does nothing for any."""

    def __init__(self) -> None:
        self.seen = 0

    async def handle(self, event: Recorded[object]) -> None:
        self.seen += 1


@pytest.mark.parametrize("kind", ["types", "wants"])
async def test_the_checkpoint_passes_what_is_filtered_out(shop: Shop, kind: str) -> None:
    for number in range(40):
        await shop.append(f"item-{number % 8 + 2}", Noted() if kind == "types" else Added(units=1))
    running = await process(shop, Stock() if kind == "types" else OfItem1())
    await running.caught_up()
    await running.stop()
    assert await offsets(shop) == await heads(shop)
    assert await shop.stock() == {}


async def test_what_is_filtered_out_is_neither_decoded_nor_parked(shop: Shop) -> None:
    """An event whose type is not registered here, in a stream the projection does not want."""
    await foreign(shop, "item-2")
    await shop.append("item-1", Added(units=1))
    running = await process(shop, OfItem1())
    await running.caught_up()
    await running.stop()
    assert await shop.stock() == {"item-1": 1}
    assert await running.dead_letters.list() == []


async def test_waiting_for_what_is_filtered_out_ends_when_it_is_passed(shop: Shop) -> None:
    running = await process(shop, OfItem1())
    token = await shop.append("item-2", Added(units=1))
    await TokenWaiter(shop.fresh_parts(), running.projections, shop.identity).wait(token, ["stock"], timeout=30)
    await running.stop()


async def test_a_filter_that_is_dropped_does_not_bring_back_what_was_passed(shop: Shop) -> None:
    """A rebuild does: raise version=, or ask for one."""
    await history(shop)
    await run_to_the_end(shop, OfItem1())
    await shop.append("item-2", Added(units=10))
    running = await process(shop, Stock())
    await running.caught_up()
    assert await shop.stock() == {"item-1": 5, "item-2": 10}
    await running.rebuild_read_model(Stock)
    await running.stop()
    assert await shop.stock() == {"item-0": 5, "item-1": 5, "item-2": 15, "item-3": 5}


async def test_events_without_an_effect_move_the_checkpoint(shop: Shop) -> None:
    await history(shop)
    handler = OfEverything()
    running = await process(shop, handler)
    await running.caught_up()
    await running.stop()
    assert handler.seen == 20
    assert await offsets(shop) == await heads(shop)


class Batched(BatchProjectionHandler, writes=[StockView], name="stock"):
    def __init__(self) -> None:
        super().__init__(batch_size=4, flush_interval=0.01)
        self.sizes: list[int] = []

    async def handle_batch(self, events: list[Recorded[Added]], views: Views) -> None:
        self.sizes.append(len(events))
        for event in events:
            await views.add(StockView, event.stream, units=event.data.units)


async def test_a_batch_of_nothing_is_not_handed_over(shop: Shop) -> None:
    for _ in range(5):
        await shop.append("item-1", Noted(), Noted(), Noted())
    batched = Batched()
    running = await process(shop, batched)
    await running.caught_up()
    assert batched.sizes == []
    await shop.append("item-1", Noted(), Added(units=2), Noted())
    await running.caught_up()
    await running.stop()
    assert batched.sizes == [1]
    assert await shop.stock() == {"item-1": 2}
    assert await offsets(shop) == await heads(shop)


async def test_an_empty_log(shop: Shop) -> None:
    running = await process(shop, Stock())
    await running.caught_up()
    assert [(s.offset, s.head, s.lag) for s in await running.status()] == [(0, 0, 0)] * shop.engine.log.partitions
    assert (await running.rebuild_read_model(Stock)).finished
    await running.stop()
    assert await shop.stock() == {}


# -- added late, removed, renamed, going down -------------------------------------


class NoteView(ReadModel, table="shop_notes"):
    id: Key[str]
    events: int = 0


class Notes(ProjectionHandler, writes=[NoteView], name="notes"):
    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        await views.add(NoteView, e.stream, events=1)


async def noted(shop: Shop) -> int:
    return sum([row.events for row in await shop.views.find(NoteView)])


async def test_one_that_is_added_late_begins_at_the_beginning(shop: Shop) -> None:
    await history(shop)
    await run_to_the_end(shop, Stock())
    both = await process(shop, Stock(), Notes())
    await both.caught_up()
    await both.stop()
    assert await noted(shop) == 20
    assert sum((await shop.events_seen()).values()) == 20


async def test_one_that_is_removed_stands_where_it_was_and_goes_on_when_it_is_back(shop: Shop) -> None:
    await history(shop)
    both = await process(shop, Stock(), Notes())
    await both.caught_up()
    await both.stop()
    await shop.append("item-0", Added(units=1))
    without = await process(shop, Stock())
    await without.caught_up()
    assert await noted(shop) == 20
    assert {status.projection for status in await without.status()} == {"stock"}
    with pytest.raises(UnknownName, match="no projection 'notes': known are stock"):
        await without.rebuild_read_model("notes")
    await without.stop()
    back = await process(shop, Stock(), Notes())
    await back.caught_up()
    await back.stop()
    assert await noted(shop) == 21


class Renamed(Notes, name="remarks"):
    pass


async def test_one_that_is_renamed_is_another_one(shop: Shop) -> None:
    """It handles all events again, over the rows the old one has left: what it adds up would be doubled, but where a
    row knows which events it has."""
    await history(shop)
    await run_to_the_end(shop, Notes())
    await run_to_the_end(shop, Renamed())
    assert await noted(shop) == (20 if shop.parts.by_event else 40)
    await shop.synchronizer(Renamed()).rebuild_read_model(Renamed)
    assert await noted(shop) == 20
    assert {at.place.projection for at in await shop.engine.projections.checkpoints()} == {"notes", "remarks"}


class Second(Notes, name="notes", version=2):
    pass


async def test_one_whose_version_goes_down_does_not_start_and_the_rest_neither(shop: Shop) -> None:
    await history(shop)
    await run_to_the_end(shop, Second(), Stock())
    await shop.append("item-0", Added(units=1))
    old = shop.synchronizer(Stock(), Notes(), parts=shop.fresh_parts())
    with pytest.raises(ProjectionOutdated, match="version 2 of projection 'notes' is served"):
        await old.start()
    assert await shop.engine.leases.holders() == []
    assert (await noted(shop), sum((await shop.events_seen()).values())) == (20, 20)


async def test_code_that_changes_without_a_new_version_goes_on_where_it_was(shop: Shop) -> None:
    class Twice(ProjectionHandler, writes=[NoteView], name="notes"):
        @on(Added)
        async def added(self, e: Recorded[Added], views: Views) -> None:
            await views.add(NoteView, e.stream, events=2)

    await history(shop)
    await run_to_the_end(shop, Notes())
    await shop.append("item-0", Added(units=1))
    await run_to_the_end(shop, Twice())
    assert await noted(shop) == 22
