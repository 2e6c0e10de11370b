"""Rows of read models on a real Cassandra: written again and late, merged, refused where they do not fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal
from unittest.mock import patch

import pytest

from headwater.engines.cassandra.rows.row_work import Placed
from headwater.engines.cassandra.session import Refusal, Step
from headwater.errors import InvalidMessage, StoreUnavailable
from headwater.models.changes import Change, Delete, Insert, Update
from headwater.models.criteria import All, Order
from headwater.models.pipeline_parsing import parse_pipeline
from headwater.models.selection import Selection
from headwater.testing.clock import ManualClock
from tests.engines.cassandra.sides import Sale, Side, emptied_side, sold
from tests.engines.cassandra_servers import fresh_keyspace_now


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with fresh_keyspace_now() as url:
        yield url


@pytest.fixture
async def side(url: str) -> AsyncIterator[Side]:
    async with emptied_side(url) as side:
        yield side


def log_of(kind: str) -> list[tuple[int, Change]]:
    """The same for every kind, but for the keys."""
    return [
        (0, Insert(Sale(id=f"{kind}a", shop="north", title="first things"))),
        (1, sold(f"{kind}a", "1.50")),
        (2, sold(f"{kind}b", "0.25")),
        (3, Update(Sale, f"{kind}a", {"shop": None, "open": True})),
        (4, Insert(Sale(id=f"{kind}c", shop="south"))),
        (5, Delete(Sale, f"{kind}c")),
        (6, sold(f"{kind}b", "0.50", 2)),
        (6, sold(f"{kind}b", "0.25", 2)),
        (7, Update(Sale, f"{kind}d", {"items": 3})),
    ]


# -- written again, late, and merged ----------------------------------------------


async def test_the_same_changes_again_in_other_pages_and_late_are_the_same_cells(side: Side, url: str) -> None:
    once, again = log_of("x"), log_of("y")
    await side.page(*once)
    zombie, read, goes_on = Side(url), asyncio.Event(), asyncio.Event()
    await zombie.open()

    async def late(*_: object) -> None:
        read.set()
        await goes_on.wait()

    with patch.object(zombie.rows, "_prepare", late):
        writing = asyncio.create_task(zombie.page(*again[:5]))
        await read.wait()
        for page in (again[:3], again[1:6], again[2:8], again):  # what was not acknowledged comes again
            await side.page(*page)
        goes_on.set()
        await writing
    await zombie.session.close()
    for name in "abcd":
        assert await side.cells(f"y{name}") == await side.cells(f"x{name}")
    assert await side.reads.find(Sale, Selection()) == [
        sale
        for kind in "xy"
        for sale in (
            Sale(id=f"{kind}a", amount=Decimal("1.50"), items=1, open=True, title="first things"),
            Sale(id=f"{kind}b", amount=Decimal("1.00"), items=5),
        )
    ]


async def test_sums_of_several_partitions_are_one_row_to_every_read(side: Side) -> None:
    for part in range(3):
        await side.page((0, sold("a", "1.10")), (1, sold("a", "0.01", part)), part=part)
    await side.page((0, Insert(Sale(id="b", shop="north", amount=Decimal(2)))), part=1)
    assert await side.reads.get(Sale, "a") == Sale(id="a", amount=Decimal("3.33"), items=6)
    assert await side.ids({"amount": Decimal("3.33")}) == ["a"]  # no index knows it
    assert await side.ids({"amount": {"$gt": Decimal("1.11")}}) == ["a", "b"]
    assert await side.ids(order=(Order("amount", descending=True),)) == ["a", "b"]
    assert await side.reads.count(Sale, All()) == 2
    total = parse_pipeline([{"$group": {"_id": None, "sum": {"$sum": "$amount"}}}])
    assert await side.reads.aggregate(Sale, total) == [{"_id": None, "sum": Decimal("5.33")}]


async def test_a_replayed_event_has_a_row_of_its_own_and_counts_once(side: Side) -> None:
    await side.page((0, sold("a", "1.00")), (2, sold("a", "1.00")))
    for _ in range(2):
        await side.page((1, sold("a", "0.50")), replayed=True)
    await side.page((3, sold("a", "1.00")))
    assert len(await side.cells("a")) == 2
    assert await side.reads.get(Sale, "a") == Sale(id="a", amount=Decimal("3.50"), items=4)
    await side.page((4, Update(Sale, "a", {"shop": "north"})))
    assert await side.reads.get(Sale, "a") == Sale(id="a", amount=Decimal("3.50"), items=4, shop="north")
    assert await side.ids({"shop": "north"}) == ["a"]


async def test_what_a_reset_takes_out_is_made_again_and_older_writes_stay_out(side: Side) -> None:
    await side.page((5, Insert(Sale(id="a", items=5))))
    await side.page((-1, Delete(Sale, "a")), generation=1)
    assert await side.ids() == []
    await side.page((0, Insert(Sale(id="a", items=1))), generation=1)
    assert await side.reads.get(Sale, "a") == Sale(id="a", items=1)


@pytest.mark.parametrize("log_time", [-1, 1 << 52])
async def test_nothing_is_written_where_one_event_has_no_time_a_cell_can_have(side: Side, log_time: int) -> None:
    late = Placed(change=sold("b", "1"), offset=1, log_time=log_time)
    with pytest.raises(InvalidMessage, match="1970 to 2112"):
        await side.rows.plan([Placed(change=sold("a", "1"), offset=0, log_time=0), late], 0, 0)
    with pytest.raises(InvalidMessage, match="2,047"):
        await side.page((0, sold("a", "1")), generation=2_048)
    assert await side.ids() == []


@pytest.mark.parametrize(("unanswered", "is_written"), [(2, True), (3, False)])
async def test_what_is_not_answered_is_sent_again(side: Side, unanswered: int, is_written: bool) -> None:
    real, silent = side.session.write, iter(range(unanswered))

    async def write(*steps: Step) -> None:
        if "SET" in steps[0][0] and next(silent, None) is not None:
            raise StoreUnavailable("no answer")
        await real(*steps)

    with patch.object(side.session, "write", write):
        if is_written:
            await side.page((0, sold("a", "1")))
        else:
            with pytest.raises(StoreUnavailable):
                await side.page((0, sold("a", "1")))
    assert await side.ids() == ["a"] * is_written


def is_of_a_row(steps: Sequence[Step]) -> bool:
    """Not of what the store knows of a table."""
    return ' IF "_turn" = ' in steps[0][0]


async def test_a_direct_write_without_an_answer_is_looked_for(side: Side) -> None:
    """Made once, whether it had come to the store or not."""
    real, answers = side.session.compare_and_set, iter([True, False])

    async def compare_and_set(*steps: Step) -> Refusal | None:
        arrives = next(answers, None) if is_of_a_row(steps) else None
        found = await real(*steps) if arrives is not False else None
        if arrives is not None:
            raise StoreUnavailable("no answer")
        return found

    for _ in range(2):
        with patch.object(side.session, "compare_and_set", compare_and_set):
            await side.rows.write_direct([sold("a", "1")])
    assert await side.reads.get(Sale, "a") == Sale(id="a", amount=Decimal(2), items=2)


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_direct_write_without_an_answer_is_in_doubt_once_another_follows(
    side: Side, url: str, arrives: bool
) -> None:
    """Even one that is the same, at the same time."""
    other, real = Side(url), side.session.compare_and_set
    await other.open()
    side.rows._clock = other.rows._clock = ManualClock()

    async def compare_and_set(*steps: Step) -> Refusal | None:
        if not is_of_a_row(steps):
            return await real(*steps)
        if arrives:
            await real(*steps)
        await other.rows.write_direct([sold("a", "1")])
        raise StoreUnavailable("no answer")

    with (
        patch.object(side.session, "compare_and_set", compare_and_set),
        pytest.raises(StoreUnavailable, match=r"Sale 'a'.*read it before you write again"),
    ):
        await side.rows.write_direct([sold("a", "1")])
    await other.session.close()
    items = 1 + arrives
    assert await side.reads.get(Sale, "a") == Sale(id="a", amount=Decimal(items), items=items)


async def test_direct_writes_at_once_are_all_made(side: Side) -> None:
    await asyncio.gather(*[side.rows.write_direct([sold("a", "0.01"), sold("b", "1")]) for _ in range(10)])
    assert [(sale.amount, sale.items) for sale in await side.reads.find(Sale, Selection())] == [
        (Decimal("0.10"), 10),
        (Decimal(10), 10),
    ]


async def test_a_text_too_long_for_an_index_is_refused(side: Side) -> None:
    await side.rows.write_direct([Insert(Sale(id="a", shop="x" * 8_192))])
    assert await side.ids({"shop": "x" * 8_192}) == ["a"]
    with pytest.raises(InvalidMessage, match="too long for an index"):
        await side.rows.write_direct([Insert(Sale(id="b")), Insert(Sale(id="a", shop="x" * 8_193))])
    with pytest.raises(InvalidMessage, match="a key"):
        await side.rows.write_direct([Insert(Sale(id="k" * 60_001))])
    assert await side.ids() == ["a"]
