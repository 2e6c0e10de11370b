"""Whoever writes a row at the same time, late, again, or dies in between: what can be read has an entry at its rank.

The steps are those of the engine, taken one by one in random schedules over cells and entries in memory. Each rule of
decision 0020 is left out once, and is missed.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple, cast

import msgspec
import pytest

from headwater.engines.cassandra.orders.order_entries import entry_steps
from headwater.engines.cassandra.orders.order_table import OrderTable
from headwater.engines.cassandra.rows.row_work import RowWork
from headwater.engines.cassandra.rows.sub_row import DIRECT, MAIN
from headwater.engines.cassandra.session import Step
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update
from headwater.models.criteria import Order
from tests.engines.cassandra.row_in_memory import Account, Cells, at

SCHEDULES: Final = 1_000
CHANGES: Final[list[Change]] = [
    *[Insert(Account(id="a", owner=owner)) for owner in (None, "Ann", "Bob")],
    *[Update(Account, "a", {"owner": owner}) for owner in ("Ann", "Bob")],
    Update(Account, "a", {"is_open": False}),
    Delete(Account, "a"),
    Accumulate(Account, "a", Account(id="a"), add={"moves": 1}),
]

_Place = tuple[bytes, int, int]
"""Rank, part and replayed offset of an entry."""


class Rules(NamedTuple):
    """Those that the engine keeps, unless one is left out."""

    written_anew: bool = True
    entry_first: bool = True
    delete_last: bool = True
    delete_is_older: bool = True
    by_sub_row: bool = True
    sweep_waits: bool = True
    sweep_is_as_old: bool = True


class World:
    """One row, its entries, and a part of the log for each of two partitions."""

    def __init__(self, seed: int, rules: Rules) -> None:
        self.chance = random.Random(seed)
        self.rules = rules
        self.cells = Cells()
        self.order = OrderTable("k", self.cells.table, (Order("owner"),))
        self.inserted: dict[_Place, int] = {}
        self.deleted: dict[_Place, int] = {}
        self.logs = [
            [at(n, self.chance.choice(CHANGES)) for n in range(self.chance.randint(1, 6))]
            for _ in range(self.chance.randint(1, 2))
        ]
        self.done = [0, 0]
        self.clock = 2_000

    # -- what can be told --------------------------------------------------------

    @property
    def entries(self) -> dict[_Place, int]:
        return {place: at for place, at in self.inserted.items() if at > self.deleted.get(place, -1)}

    def is_listed(self) -> bool:
        row = self.cells.row()
        if row is None:
            return True
        rank = self.order.rank(self.cells.table.schema.to_scalars(row))
        return rank in {entry[0] for entry in self.entries}

    # -- who works, one step at a time ----------------------------------------------

    def part(self) -> Iterator[None]:
        """A page of a partition, from its checkpoint; it moves on if nobody else has moved it."""
        part = self.chance.randrange(len(self.logs))
        begin = self.done[part]
        page = self.logs[part][begin : begin + self.chance.randint(1, 3)]
        work = self.cells.begun(part, *[each for each in page if self.chance.random() < 0.9])  # what fails now and then
        yield
        work.apply(0)
        yield from self.phases(work, partial(self.cells.store, work))
        if self.done[part] == begin:
            self.done[part] += len(page)

    def replayed(self) -> Iterator[None]:
        part = self.chance.randrange(len(self.logs))
        parked = self.chance.choice(self.logs[part])
        work = self.cells.begun(part, msgspec.structs.replace(parked, is_replayed=True))
        yield
        work.apply(0)
        yield from self.phases(work, partial(self.cells.store, work))

    def directly(self) -> Iterator[None]:
        work = self.cells.begun(DIRECT, at(0, self.chance.choice(CHANGES)))
        yield
        self.clock += self.chance.randint(0, 1)
        work.apply_directly(self.clock, self.chance.getrandbits(20))
        yield from self.phases(work, partial(self.compare_and_set, work))

    def sweep(self) -> Iterator[None]:
        """A reader that has met an entry which led nowhere."""
        if not self.entries:
            return
        entry, written_at = self.chance.choice(sorted(self.entries.items()))
        rank, part, replayed = entry
        sub_row = next((each for each in self.cells.sub_rows() if (each.part, each.replayed) == entry[1:]), None)
        yield
        if sub_row is None:
            is_newer = not self.rules.sweep_waits
        else:
            written = sub_row.turn if part == DIRECT else self.cells.rows[part, replayed]["live"][0]
            is_newer = written > written_at or not self.rules.sweep_waits
        row = None if sub_row is None else sub_row.row
        now = None if row is None else self.order.rank(self.cells.table.schema.to_scalars(row))
        if is_newer and now != rank:
            self.delete(entry, written_at if self.rules.sweep_is_as_old else 1 << 60)

    def phases(self, work: RowWork, write: Callable[[], bool | None]) -> Iterator[None]:
        """What a process does once it has read: entries, the row, and what is no longer so."""
        steps, rules = entry_steps(work, [self.order]), self.rules
        has_moved = bool(steps.then) or any(image.before is None for image in work.images)
        first = self._steps(steps.first) if rules.written_anew or has_moved else []
        then, row = self._steps(steps.then), [write]
        order = [first, row, then] if rules.entry_first else [row, first, then]
        for phase in order if rules.delete_last else [first, then, row]:
            for step in self.chance.sample(phase, len(phase)):
                if step() is False:
                    return  # another was faster
                yield

    def _steps(self, steps: Sequence[Step]) -> list[Callable[[], bool | None]]:
        return [partial(self.take, step) for step in steps]

    # -- cells and entries ---------------------------------------------------------------

    def compare_and_set(self, work: RowWork) -> bool:
        kept = self.cells.rows.get((DIRECT, MAIN))
        if work.was != (None if kept is None else kept["turn"][1]):
            return False
        for values in work.parameters():
            place = values.pop("part"), values.pop("replayed")
            self.cells.rows[place] = (kept or {}) | {name: (0, value) for name, value in values.items()}  # type: ignore[index]
        return True

    def take(self, step: Step) -> None:
        statement, given = step
        values = list(cast("list[object]", given))
        if statement == self.order.write:
            _, rank, part, replayed, _, written_at = values
            place = cast("_Place", (rank, *self.owner(cast("int", part), cast("int", replayed))))
            self.inserted[place] = max(self.inserted.get(place, -1), cast("int", written_at))
        else:
            deleted_at, _, rank, part, replayed = values
            place = cast("_Place", (rank, *self.owner(cast("int", part), cast("int", replayed))))
            self.delete(place, cast("int", deleted_at) + (not self.rules.delete_is_older))

    def owner(self, part: int, replayed: int) -> tuple[int, int]:
        return (part, replayed) if self.rules.by_sub_row else (0, MAIN)

    def delete(self, place: _Place, at: int) -> None:
        self.deleted[place] = max(self.deleted.get(place, -1), at)


def breaks(seed: int, rules: Rules) -> bool:
    """Whether a row is not listed at some moment of a schedule in which several work, and die, at once."""
    world = World(seed, rules)
    working: list[Iterator[None]] = []
    kinds = world.chance.choice(
        [[world.part], [world.part, world.sweep], [world.part, world.part, world.replayed, world.directly, world.sweep]]
    )
    for _ in range(60):
        if len(working) < 4:
            working.append(world.chance.choice(kinds)())
        at = world.chance.randrange(len(working))
        if next(working[at], StopIteration) is StopIteration or world.chance.random() < 0.03:
            del working[at]
        if not world.is_listed():
            return True
    return False


def test_what_can_be_read_is_listed() -> None:
    assert [seed for seed in range(SCHEDULES) if breaks(seed, Rules())] == []


@pytest.mark.parametrize("rule", Rules._fields)
def test_every_rule_is_needed(rule: str) -> None:
    without = Rules(**{rule: False})
    assert any(breaks(seed, without) for seed in range(SCHEDULES))


def test_what_is_left_over_can_be_swept() -> None:
    """Once nobody works any more, and each part has written the row again."""
    for seed in range(300):
        world = World(seed, Rules())
        for working in [world.part() for _ in range(3)]:
            for _ in range(world.chance.randint(1, 4)):
                next(working, None)
        latest = [at(100, Insert(Account(id="a", owner="Zoe"))), at(101, Delete(Account, "a"))]
        for part in range(len(world.logs)):
            work = world.cells.begun(part, *latest)
            work.apply(0)
            deque(world.phases(work, partial(world.cells.store, work)), maxlen=0)
        for _ in range(200):
            deque(world.sweep(), maxlen=0)
        assert world.entries == {}, seed
