"""A page on Cassandra is decided before its rows are written: what was handled, and what was left out."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.engines.cassandra.rows.rows import Rows
from headwater.engines.cassandra.rows.writing import Plan, Writing
from headwater.engines.cassandra.tables.place_table import PlaceTable
from headwater.errors import CheckpointConflict, InvalidMessage, StoreUnavailable
from headwater.models.changes import Accumulate
from headwater.ports.engine import EngineOptions
from headwater.ports.place import Place
from headwater.ports.projection_store import DecidedPage, ProjectionCommit
from headwater.testing.conformance.commits import at, parked_at, reset_of, totals
from headwater.testing.controls import Tally
from tests.engines.cassandra.commits import broken_off, engine, one_more, told

__all__ = ["engine"]

PLACE = Place("p")


async def begun(engine: CassandraEngine) -> None:
    """Events 0 and 2 of a page that ends at 3 are handled, 1 is parked, and no row is written."""
    page = told(0, 3, (0, one_more()), (2, one_more("b")), parked=(parked_at(1),), left_out=(1,))
    with broken_off(Writing, "write"), pytest.raises(StoreUnavailable):
        await engine.projections.commit(page)


async def test_it_is_decided_with_what_it_parks_before_any_row_is_written(engine: CassandraEngine) -> None:
    await begun(engine)
    kept = await engine.projections.checkpoint(PLACE)
    assert (kept.offset, kept.decided) == (0, DecidedPage(next=3, left_out=(1,)))
    assert [event.offset for event in await engine.parking.parked()] == [1]
    assert await totals(engine.read_models) == {}
    assert [each.decided for each in await engine.projections.checkpoints("p")] == [kept.decided]


async def test_nothing_is_decided_where_the_decision_is_broken_off(engine: CassandraEngine) -> None:
    with broken_off(PlaceTable, "exchange"), pytest.raises(StoreUnavailable):
        await engine.projections.commit(told(0, 1, (0, one_more())))
    assert (await totals(engine.read_models), await at(engine)) == ({}, (0, 0))
    await engine.projections.commit(told(0, 3, (0, one_more()), (2, one_more())))
    assert (await totals(engine.read_models), await at(engine)) == ({"a": 2}, (3, 1))


@pytest.mark.parametrize(
    ("owner", "name", "after"),
    [(Writing, "write", 0), (Rows, "_write_row", 1), (PlaceTable, "exchange", 1)],
    ids=["no row", "one row", "all rows"],
)
async def test_whoever_goes_on_finishes_it(engine: CassandraEngine, owner: type, name: str, after: int) -> None:
    page = (0, one_more()), (2, one_more("b"))
    with broken_off(owner, name, after), pytest.raises(StoreUnavailable):
        await engine.projections.commit(told(0, 3, *page))
    await engine.projections.commit(told(0, 0, epoch=2))  # the lease is another's, and the page is still to be finished
    assert (await engine.projections.checkpoint(PLACE)).decided == DecidedPage(next=3)
    await engine.projections.commit(told(0, 3, *page, epoch=2, finishes=True))
    kept = await engine.projections.checkpoint(PLACE)
    assert (kept.offset, kept.epoch, kept.decided) == (3, 2, None)
    assert await totals(engine.read_models) == {"a": 1, "b": 1}
    await engine.projections.commit(told(3, 4, (3, one_more()), epoch=2))
    assert await totals(engine.read_models) == {"a": 2, "b": 1}


@pytest.mark.parametrize(
    "other",
    [
        told(0, 3, (0, one_more()), (2, one_more("b"))),
        told(0, 3),
        told(0, 2, (0, one_more())),
        told(0, 0, (1, one_more()), unparked=(1,)),
        told(0, 4, (0, one_more()), finishes=True),
        told(0, 3, (0, one_more()), finishes=True, parked=(parked_at(2),)),
    ],
    ids=["the same", "nothing", "less", "a replay", "more", "parking"],
)
async def test_nothing_else_is_committed_before(engine: CassandraEngine, other: ProjectionCommit) -> None:
    await begun(engine)
    with pytest.raises(CheckpointConflict):
        await engine.projections.commit(other)
    assert (await engine.projections.checkpoint(PLACE)).decided == DecidedPage(next=3, left_out=(1,))
    assert await totals(engine.read_models) == {}


async def test_what_is_not_there_cannot_be_finished(engine: CassandraEngine) -> None:
    with pytest.raises(CheckpointConflict):
        await engine.projections.commit(told(0, 3, (0, one_more()), finishes=True))


async def test_who_was_overtaken_while_it_wrote_changes_nothing(engine: CassandraEngine) -> None:
    under_way: list[tuple[Writing, Plan]] = []

    async def pauses(self: Writing, plan: Plan) -> None:
        under_way.append((self, plan))
        raise StoreUnavailable("out of reach")

    page = (0, one_more()), (1, one_more())
    with patch.object(Writing, "write", pauses), pytest.raises(StoreUnavailable):
        await engine.projections.commit(told(0, 2, *page))
    await engine.projections.commit(told(0, 2, *page, epoch=2, finishes=True))
    await engine.projections.commit(told(2, 3, (2, one_more()), epoch=2))
    for writing, plan in under_way:
        await writing.write(plan)
    assert await totals(engine.read_models) == {"a": 3}


async def test_what_does_not_fit_is_refused_before_it_is_decided(engine: CassandraEngine) -> None:
    wrong = Accumulate(Tally, "a", Tally(name="a"), add={"total": 1 << 70})
    with pytest.raises(InvalidMessage):
        await engine.projections.commit(told(0, 2, (0, one_more("b")), (1, wrong)))
    assert (await totals(engine.read_models), await at(engine)) == ({}, (0, 0))


async def test_a_reset_forgets_it(engine: CassandraEngine) -> None:
    await begun(engine)
    await engine.projections.reset(reset_of(2, Tally))
    assert (await engine.projections.checkpoint(PLACE)).decided is None
    await engine.projections.commit(told(0, 1, (0, one_more()), epoch=2))
    assert (await totals(engine.read_models), await at(engine)) == ({"a": 1}, (1, 2))


async def test_a_checkpoint_that_was_moved_elsewhere_is_read_again(engine: CassandraEngine) -> None:
    await engine.projections.commit(told(0, 1, (0, one_more())))
    there = open_engine(f"{engine.location.shown}?partitions=1", EngineOptions())
    await there.open()
    await there.projections.commit(told(1, 2, (1, one_more())))
    await engine.projections.commit(told(2, 3, (2, one_more())))
    with pytest.raises(CheckpointConflict):
        await there.projections.commit(told(2, 3, (2, one_more())))
    await there.close()
    assert (await totals(engine.read_models), await at(engine)) == ({"a": 3}, (3, 1))
