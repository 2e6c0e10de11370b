"""What changes make of a row on Cassandra: the same cells, in whatever pages, however often, by whoever comes late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.engines.cassandra.rows.row_work import Placed, RowWork, timestamp
from headwater.engines.cassandra.rows.sub_row import DIRECT
from headwater.errors import InvalidMessage
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update, Upsert, apply
from headwater.models.model import ReadModel
from tests.engines.cassandra.row_in_memory import Account, Cells, at

MISSING: Final = Account(id="a", moves=100)
EARLY, LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
ADDED: Final = Accumulate(Account, "a", MISSING, add={"moves": 1, "balance": Decimal("0.05")}, max={"last": LATE})
CHANGES: Final[list[Change]] = [
    Insert(Account(id="a", owner="Ann", balance=Decimal("1.10"))),
    Insert(Account(id="a", is_open=False)),
    Update(Account, "a", {"owner": None}),
    Update(Account, "a", {"owner": "Bob", "last": EARLY}),
    Upsert(Account, "a", {"moves": 7}, Account(id="a", moves=7)),
    Delete(Account, "a"),
    ADDED,
    Accumulate(Account, "a", Account(id="a"), add={"moves": -3}, min={"last": EARLY}),
    Accumulate(Account, "a", MISSING, max={"moves": 3}),
]
SUMS: Final = [
    ADDED,
    msgspec.structs.replace(ADDED, add={"moves": -2}),
    msgspec.structs.replace(ADDED, max={"last": EARLY}),
]


def all_of(changes: Sequence[Change]) -> ReadModel | None:
    row: ReadModel | None = None
    for change in changes:
        row = apply(change, row)
    return row


histories = st.lists(st.sampled_from(CHANGES), min_size=1, max_size=8)


@given(histories, st.data())
def test_pages_written_again_and_late_are_the_same_cells(changes: list[Change], data: st.DataObject) -> None:
    log = [at(offset, change) for offset, change in enumerate(changes)]
    once = Cells()
    once.page(*log)
    assert once.row() == all_of(changes)
    cells, done, late = Cells(), 0, list[RowWork]()
    while done < len(log):
        upto = data.draw(st.integers(done + 1, len(log)))
        begin = data.draw(st.integers(0, done))  # what was written but not acknowledged comes again
        late.append(cells.begun(0, *log[begin:upto]))
        cells.page(*log[begin:upto])
        done = upto
    for work in data.draw(st.permutations(late)):
        cells.write(work)
    assert cells.row() == all_of(changes)
    assert cells.seen() == once.seen()


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(SUMS)), min_size=1, max_size=12))
def test_sums_and_bounds_of_several_parts_merge(moves: list[tuple[int, Accumulate]]) -> None:
    cells = Cells()
    for offset, (part, change) in enumerate(moves):
        cells.page(at(offset, change), part=part)
    assert cells.row() == all_of([change for _, change in moves])
    assert len(cells.rows) == len({part for part, _ in moves})


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(CHANGES)), min_size=1, max_size=8))
def test_what_one_part_writes_behind_the_others_is_the_row(moves: list[tuple[int, Change]]) -> None:
    """The last change of all is there, whatever its time in the log is."""
    cells = Cells()
    for offset, (part, change) in enumerate(moves):
        cells.page(at(offset, change, log_time=10_000 - 100 * part + offset), part=part)
    cells.page(at(100, Insert(Account(id="a", owner="Last")), log_time=1), part=7)
    row = cells.row()
    assert isinstance(row, Account)
    assert row.owner == "Last"
    cells.page(at(101, Delete(Account, "a"), log_time=2), part=7)
    assert cells.row() is None


@given(histories, st.integers(0, 7), st.lists(st.sampled_from(CHANGES), max_size=4))
def test_a_replayed_event_comes_behind_what_is_there_once(
    changes: list[Change], parked: int, later: list[Change]
) -> None:
    parked = min(parked, len(changes) - 1)
    log = [at(offset, change) for offset, change in enumerate(changes)]
    cells = Cells()
    cells.page(*[each for each in log if each.offset != parked])
    replayed = at(parked, changes[parked], is_replayed=True)
    for _ in range(2):
        cells.page(replayed)
    cells.page(*[at(len(log) + offset, change) for offset, change in enumerate(later)])
    cells.page(replayed)
    others = [change for offset, change in enumerate(changes) if offset != parked]
    assert cells.row() == all_of([*others, changes[parked], *later])


@given(histories, histories)
def test_what_a_part_has_made_can_be_taken_out_and_made_again(changes: list[Change], again: list[Change]) -> None:
    cells = Cells()
    late = cells.begun(0, *[at(offset, change) for offset, change in enumerate(changes)])
    cells.page(*[at(offset, change) for offset, change in enumerate(changes)])
    cells.page(at(50, ADDED, is_replayed=True))
    cells.page(Placed(change=Delete(Account, "a"), offset=-1, log_time=0), generation=1)
    cells.write(late)
    assert cells.row() is None
    cells.page(*[at(offset, change) for offset, change in enumerate(again)], generation=1)
    assert cells.row() == all_of(again)


@given(histories, st.lists(st.sampled_from(SUMS), max_size=3))
def test_a_direct_write_stands_for_all_there_is(changes: list[Change], later: list[Change]) -> None:
    cells = Cells()
    for part, sums in enumerate(SUMS):
        cells.page(at(0, sums), part=part)
    before = cells.row()
    work = cells.begun(DIRECT, *[at(0, change) for change in changes])
    work.apply_directly(5_000_000, 7)
    for values in work.parameters():
        place = values.pop("part"), values.pop("replayed")
        cells.rows[place] = {name: (0, value) for name, value in values.items()}  # type: ignore[index]
    written = before
    for change in changes:
        written = apply(change, written)
    assert cells.row() == written
    for offset, change in enumerate(later, start=1):
        cells.page(at(offset, change), part=1)
    assert cells.row() == _after(written, later)


def _after(row: ReadModel | None, changes: Sequence[Change]) -> ReadModel | None:
    for change in changes:
        row = apply(change, row)
    return row


def test_a_deleted_row_leaves_none_of_its_values() -> None:
    cells = Cells()
    cells.page(at(0, Insert(Account(id="a", owner="Ann", moves=5, last=LATE))))
    cells.page(at(1, Delete(Account, "a")))
    assert {value for name, (_, value) in cells.rows[0, -1].items() if name.startswith("f")} == {"", 0}


@pytest.mark.parametrize("log_time", [-1, 1 << 52])
def test_a_time_that_no_cell_can_have_is_refused(log_time: int) -> None:
    with pytest.raises(InvalidMessage, match="1970 to 2112"):
        timestamp(0, log_time)


def test_the_last_time_and_generation_are_taken() -> None:
    last = timestamp(2_047, (1 << 52) - 1)
    assert last == 2**63 - 1
    for generation in (-1, 2_048):
        with pytest.raises(InvalidMessage, match="2,047"):
            timestamp(generation, 0)


def _far(change: Change) -> Placed:
    return Placed(change=change, offset=0, log_time=1 << 52)


@pytest.mark.parametrize(
    "wrong",
    [
        at(1, Update(Account, "a", {"moves": "many"})),
        at(1, Accumulate(Account, "a", MISSING, add={"moves": 2**63 - 1})),
        _far(ADDED),
    ],
)
def test_nothing_is_to_be_written_where_one_change_does_not_fit(wrong: Placed) -> None:
    cells = Cells()
    cells.page(at(0, ADDED))
    with pytest.raises(InvalidMessage):
        cells.page(at(1, ADDED), wrong)
    with pytest.raises(InvalidMessage):  # though each part's own sum fits
        cells.page(at(0, Accumulate(Account, "a", MISSING, add={"moves": 2**63 - 101})), part=1)
    assert cells.row() == all_of([ADDED])
