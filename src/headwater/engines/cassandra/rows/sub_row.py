"""SubRow: what one partition of the log, or one event replayed from parking, has made of a row; and their merging.

A row is usually one sub-row. Where it is several, each is either *whole* (the row after the last change, or that it
was deleted) or *relative* (sums and bounds that start from a row of defaults). The whole one that was written last is
the row, and what is relative comes on top. `turn` says which was written last: the timestamp of its last event, or one
more than the highest turn it found. A whole sub-row stands for all that its own partition had written before, one
written directly for all that anybody had.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, cast

import msgspec

from headwater.models.changes import Accumulate, Change, Delete, Update, accumulated, apply, merge
from headwater.models.model import ReadModel

__all__ = ["DIRECT", "MAIN", "NO_TURN", "SubRow", "changed", "merged"]

DIRECT: Final = -1
"""The part of what no projection writes."""
MAIN: Final = -1
"""In the place of a replayed event's offset: those that came in their turn."""
NO_TURN: Final = -1
"""Of what a replayed event changes where it changes nothing: no other time shall it."""
_NEVER: Final = -1


class SubRow(msgspec.Struct, frozen=True, kw_only=True):
    part: int
    replayed: int
    included: int = _NEVER
    """The offset of the last event whose change is in it, below 0 where its partition was reset; of a direct one the
    number of its attempt."""
    turn: int = 0
    row: ReadModel | None = None
    """As it would be if it were the only one; None: deleted."""
    relative: Accumulate | None = None
    """What it adds, where it is not whole."""

    @property
    def counts(self) -> bool:
        """False for one that was never written, or whose partition was reset."""
        return self.included >= 0


def merged(sub_rows: Sequence[SubRow]) -> ReadModel | None:
    """The row of its sub-rows, in the order of their places; None for no row."""
    if len(sub_rows) == 1:
        return sub_rows[0].row
    latest = _latest(sub_rows)
    row = None if latest is None else latest.row
    for each in _on_top(sub_rows):
        relative = cast("Accumulate", each.relative)
        row = accumulated(relative.missing if row is None else row, relative)
    return row


def changed(change: Change, own: SubRow, others: Sequence[SubRow]) -> SubRow:
    """A sub-row after a change, given the others of its row; itself where that changes nothing.

    Its `included` and `turn` are left to the caller.
    """
    every = sorted([own, *others], key=_place)
    if isinstance(change, Accumulate) and not _is_the_row(own, every):
        on_top = _on_top(every)
        start = own.relative if any(each is own for each in on_top) else None
        joined = _joined(start, change, [each for each in on_top if each is not own], own.part)
        if joined is not None:
            row = accumulated(joined.missing if start is None else cast("ReadModel", own.row), change)
            return msgspec.structs.replace(own, row=row, relative=joined)
    before = _before(own, every)
    if before is None and isinstance(change, Update | Delete):
        return own
    return msgspec.structs.replace(own, row=apply(change, before), relative=None)


def _is_the_row(own: SubRow, every: Sequence[SubRow]) -> bool:
    """True where what is added is added to the row itself."""
    return own.part == DIRECT or own is _latest(every)


def _before(own: SubRow, every: Sequence[SubRow]) -> ReadModel | None:
    """The row that a change is made to: with what its own sub-row is to stand for, without the sums of others."""
    if own.part == DIRECT:
        return merged(every)
    row = merged([each for each in every if each.relative is None or each.part == own.part])
    if row is not None:
        return row
    begun = [each.relative.missing for each in _on_top(every) if each.relative is not None]
    return begun[0] if begun else None


def _joined(start: Accumulate | None, change: Accumulate, beside: Sequence[SubRow], part: int) -> Accumulate | None:
    """What is relative and more of it; None where the order matters in which they come.

    All that is relative starts from one row of defaults: the one of whoever began.
    """
    if change.add.keys() & change.max.keys() or (change.add.keys() | change.max.keys()) & change.min.keys():
        return None
    others = [each.relative for each in beside if each.relative is not None]
    missing = start.missing if start is not None else others[0].missing if others else change.missing
    change = msgspec.structs.replace(change, missing=missing)
    mine = [each.relative for each in beside if each.relative is not None and each.part == part]
    if any(len(merge([msgspec.structs.replace(each, missing=missing), change])) > 1 for each in mine):
        return None
    joined = [change] if start is None else merge([start, change])
    return cast("Accumulate", joined[0]) if len(joined) == 1 else None


def _latest(sub_rows: Iterable[SubRow]) -> SubRow | None:
    whole = [each for each in sub_rows if each.counts and each.relative is None]
    return max(whole, key=_turn, default=None)


def _on_top(sub_rows: Sequence[SubRow]) -> list[SubRow]:
    """Those that are relative and that no whole one stands for."""
    relative = [each for each in sub_rows if each.counts and each.relative is not None]
    if not relative:
        return []
    whole = [each for each in sub_rows if each.counts and each.relative is None]
    latest = _latest(whole)
    deleted = latest.turn if latest is not None and latest.row is None else _NEVER
    return [
        each
        for each in relative
        if each.turn > deleted
        and not any(other.turn > each.turn and other.part in {each.part, DIRECT} for other in whole)
    ]


def _place(sub_row: SubRow) -> tuple[int, int]:
    return sub_row.part, sub_row.replayed


def _turn(sub_row: SubRow) -> int:
    return sub_row.turn
