"""Each change is told with the event it is of, whatever is tried again, taken back or handled side by side."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.domain.event import Recorded
from headwater.models.changes import Delete, Insert
from headwater.projections.batch import BatchProjectionHandler
from headwater.read_models.views import Views
from tests.projections.pages import ALWAYS, Chain, Flaky, Linked, Linking, Noting, Pages, link


class AtOnce(Noting, BatchProjectionHandler, writes=[Chain], key="key"):
    def __init__(self) -> None:
        BatchProjectionHandler.__init__(self)
        Noting.__init__(self)
        self.sizes: list[int] = []

    async def handle_batch(self, events: Sequence[Recorded[Linked]], views: Views) -> None:
        self.sizes.append(len(events))
        for event in events:
            await self.note(event, views)


def told(pages: Pages) -> list[tuple[int, int]]:
    """Of each change the event that made it, by its row, and the event it is told to be of."""
    found = list[tuple[int, int]]()
    for change, offset in zip(pages.batch.changes, pages.batch.offsets, strict=True):
        assert isinstance(change, Insert)
        assert isinstance(change.row, Chain)
        found.append((int(change.row.numbers.split(",")[-2]), offset))
    return found


async def test_in_order() -> None:
    pages = Pages(Linking())
    await pages.handle(*[link(number, f"key-{number % 2}") for number in range(5, 9)])
    assert told(pages) == [(number, number) for number in range(5, 9)]


async def test_what_recovers_or_fails_for_good() -> None:
    handler = Linking()
    handler.failing = {1: (Flaky, 1), 2: (Flaky, ALWAYS), 4: (Flaky, 2)}
    pages = Pages(handler)
    await pages.handle(*[link(number, f"key-{number}", row="all") for number in range(7)])
    assert told(pages) == [(number, number) for number in (0, 1, 3, 4, 5, 6)]


async def test_keys_side_by_side() -> None:
    handler = Linking()
    handler.failing = {3: (Flaky, 1)}
    pages = Pages(handler, width=3)
    await pages.handle(*[link(number, f"key-{number % 3}") for number in range(9)])
    assert sorted(told(pages)) == [(number, number) for number in range(9)]


async def test_a_batch_is_handed_over_event_by_event_where_that_is_asked_for() -> None:
    together, apart = AtOnce(), AtOnce()
    events = [link(number, "a") for number in range(4)]
    await Pages(together).handle(*events)
    pages = Pages(apart, by_event=True)
    await pages.handle(*events)
    assert (together.sizes, apart.sizes) == ([4], [1, 1, 1, 1])
    assert told(pages) == [(number, number) for number in range(4)]


async def test_what_takes_rows_away_is_of_no_event() -> None:
    pages = Pages(Linking())
    await pages.handle(link(3, "a"))
    pages.batch.take_away(Delete(Chain, "a"))
    assert pages.batch.offsets == [3, -1]
