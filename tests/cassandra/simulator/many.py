"""Many: schedules by the thousand, over all variants, in processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import msgspec

from tests.cassandra.simulator.schedule import Ran, run
from tests.cassandra.simulator.variant import VARIANTS

__all__ = ["Tally", "run_many"]

AT_ONCE = 250
"""Schedules that a process takes at a time."""


class Tally(msgspec.Struct):
    """What schedules came to."""

    schedules: int = 0
    events: int = 0
    steps: int = 0
    replays: int = 0
    bad: list[tuple[str, Ran]] = []
    """Variant and schedule of every violation."""

    def add(self, other: Tally) -> None:
        self.schedules += other.schedules
        self.events += other.events
        self.steps += other.steps
        self.replays += other.replays
        self.bad += other.bad


def run_many(count: int, processes: int) -> Tally:
    """At least so many schedules, as many of each variant; seeds count from 0."""
    total = Tally()
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for tally in pool.map(_tally, *zip(*_shares(count), strict=True)):
            total.add(tally)
    return total


def _shares(count: int) -> Iterator[tuple[str, range]]:
    each = -(-count // len(VARIANTS))
    for first in range(0, each, AT_ONCE):
        for name in VARIANTS:
            yield name, range(first, min(first + AT_ONCE, each))


def _tally(name: str, seeds: Iterable[int]) -> Tally:
    tally = Tally()
    for seed in seeds:
        ran = run(seed, VARIANTS[name])
        tally.add(Tally(1, ran.events, ran.steps, ran.replays, [] if ran.violation is None else [(name, ran)]))
    return tally
