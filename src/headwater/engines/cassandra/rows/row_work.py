"""RowWork: what changes make of one row, computed before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec

from headwater.engines.cassandra.rows.search_words import words_of
from headwater.engines.cassandra.rows.sub_row import DIRECT, MAIN, NO_TURN, SubRow, changed, merged
from headwater.engines.cassandra.rows.sub_row_cells import parameters_of
from headwater.engines.cassandra.rows.table import Table
from headwater.errors import InvalidMessage
from headwater.models.changes import Change, Update, Upsert, scalar_fields
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel

__all__ = ["Image", "Placed", "RowWork", "timestamp"]

_TIME_BITS: Final = 52
_MOST_GENERATIONS: Final = 2_047

_Place: TypeAlias = tuple[int, int]
"""Part and replayed offset."""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A change, and the event it is of."""

    change: Change
    offset: int
    """Below 0: of none. What its part has made is taken out of the row, so that its events can be handled anew."""
    log_time: int
    """Microseconds since 1970, as the log has it."""
    is_replayed: bool = False
    """True for an event that was parked: its effect comes behind those of later events."""


class Image(NamedTuple):
    """A sub-row that is to be written."""

    part: int
    replayed: int
    at: int
    """When its write counts from: of two of one sub-row the later one has the greater."""
    before: ReadModel | None
    """As it was found; None: there was none, or it was deleted."""
    after: ReadModel | None


class RowWork:
    """One row: what is there, and what is to be written."""

    def __init__(self, table: Table, key: Scalar, part: int) -> None:
        self.table = table
        self.key = key
        self.part = part
        self.changes: list[Placed] = []
        self._before: dict[_Place, SubRow] = {}
        self._after: dict[_Place, SubRow] = {}
        self._timestamps: dict[_Place, int] = {}

    def begin(self, found: Iterable[SubRow]) -> None:
        """Start from what was found."""
        self._before = {(each.part, each.replayed): each for each in found}
        self._after, self._timestamps = {}, {}

    def apply(self, generation: int) -> None:
        """The changes of events that are not there yet, each to the sub-row it belongs to; raises InvalidMessage."""
        is_empty = False  # what is handled once more is in none of the sub-rows
        for placed in self.changes:
            if placed.offset < 0:
                self._empty(generation)
                is_empty = True
                continue
            _check(placed.change)
            at = timestamp(generation, placed.log_time)
            place = self.part, placed.offset if placed.is_replayed else MAIN
            found = self._before.get(place)
            if found is not None and found.included >= placed.offset and not is_empty:
                continue
            own, others = self._own_and_others(place)
            after = changed(placed.change, own, others)
            if after is not own:
                turn = max([at, *[each.turn + 1 for each in others]])
                self._after[place] = msgspec.structs.replace(after, included=placed.offset, turn=turn)
            elif placed.is_replayed and not own.counts:
                self._after[place] = msgspec.structs.replace(own, included=placed.offset, turn=NO_TURN)
            else:
                continue
            self._timestamps[place] = at

    def apply_directly(self, clock: int, attempt: int) -> None:
        """The changes, whatever was written before; raises InvalidMessage.

        Args:
            clock: microseconds since 1970.
            attempt: a number from 0 that no other write has, to be known again by.
        """
        place = DIRECT, MAIN
        turn = max([clock, *[each.turn + 1 for each in self._before.values()]])
        for placed in self.changes:
            _check(placed.change)
            own, others = self._own_and_others(place)
            after = changed(placed.change, own, others)
            if after is not own:
                self._after[place] = msgspec.structs.replace(after, included=attempt, turn=turn)

    # -- what is to be written -------------------------------------------------------

    @property
    def was(self) -> int | None:
        """The turn of the direct sub-row that was found; None for none."""
        found = self._before.get((DIRECT, MAIN))
        return None if found is None else found.turn

    @property
    def accumulated(self) -> set[str]:
        """Fields that have to be merged when the row is read."""
        relative = [each.relative for each in self._after.values() if each.relative is not None]
        return {name for each in relative for name in (*each.add, *each.max, *each.min)}

    @property
    def words(self) -> set[tuple[str, str]]:
        """Those that come into the row."""
        before = [word for place in self._after for word in words_of(self.table, self._row_before(place))]
        return {word for each in self._after.values() for word in words_of(self.table, each.row)}.difference(before)

    @property
    def images(self) -> list[Image]:
        """The sub-rows that have changed."""
        return [
            Image(*place, self._timestamps.get(place, after.turn), self._row_before(place), after.row)
            for place, after in self._after.items()
        ]

    def parameters(self) -> list[dict[str, object]]:
        """Of the statement that writes each sub-row that has changed; raises InvalidMessage."""
        every = sorted((self._before | self._after).items())
        row = merged([each for _, each in every]) if self._after and len(every) > 1 else None
        if row is not None:
            self.table.schema.check(row)
        return [
            parameters_of(self.table, self.key, self._row_before(place), after)
            | ({"timestamp": self._timestamps[place]} if place in self._timestamps else {})
            for place, after in self._after.items()
        ]

    def _empty(self, generation: int) -> None:
        at = timestamp(generation, 0)
        for place in self._before.keys() | self._after.keys():
            if place[0] == self.part:
                self._after[place] = SubRow(part=place[0], replayed=place[1], turn=at)
                self._timestamps[place] = at

    def _own_and_others(self, place: _Place) -> tuple[SubRow, Sequence[SubRow]]:
        every = self._before | self._after
        own = every.pop(place, None) or SubRow(part=place[0], replayed=place[1])
        return own, list(every.values())

    def _row_before(self, place: _Place) -> ReadModel | None:
        found = self._before.get(place)
        return None if found is None else found.row


def timestamp(generation: int, log_time: int) -> int:
    """Of a change's cells. Raises InvalidMessage for a time outside 1970 to 2112, or a generation above 2,047."""
    if not 0 <= log_time < 1 << _TIME_BITS:
        raise InvalidMessage(f"an event's time in the log lies in the years 1970 to 2112, got {log_time} microseconds")
    if not 0 <= generation <= _MOST_GENERATIONS:
        raise InvalidMessage(
            f"rows are emptied in place at most {_MOST_GENERATIONS:,} times, this is time {generation:,}: rebuild them"
        )
    return generation << _TIME_BITS | log_time


def _check(change: Change) -> None:
    """Fields are refused even where there is no row to update."""
    if isinstance(change, Update | Upsert):
        scalar_fields(change.model, change.fields)
