"""Rounds: sides measured in turn, so that a noisy machine disturbs all of them alike; ratios are medians of rounds."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import msgspec

__all__ = ["Run", "Sample", "Samples", "interleave", "median_ratio", "timed"]


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One run of one side."""

    operations: int
    seconds: float
    cpu: float
    """Seconds of processor time of the measured process, all threads."""

    @property
    def rate(self) -> float:
        """Operations per second."""
        return self.operations / self.seconds

    @property
    def cpu_micros(self) -> float:
        """Microseconds of processor time for one operation."""
        return 1e6 * self.cpu / self.operations

    @property
    def micros(self) -> float:
        """Microseconds for one operation."""
        return 1e6 * self.seconds / self.operations


S = TypeVar("S")

Run: TypeAlias = Callable[[], Sample]
Samples: TypeAlias = list[Sample]


def timed(work: Callable[[], int]) -> Sample:
    """Time `work`, which returns how many operations it did."""
    seconds, cpu = time.perf_counter(), time.process_time()
    operations = work()
    return Sample(operations, time.perf_counter() - seconds, time.process_time() - cpu)


def interleave(sides: Mapping[str, Callable[[], S]], rounds: int, warm_up: int = 1) -> dict[str, list[S]]:
    """Run every side once a round, in an order that turns round with each; the first rounds do not count."""
    samples: dict[str, list[S]] = {name: [] for name in sides}
    order = list(sides)
    for number in range(-warm_up, rounds):
        for name in order:
            gc.collect()
            sample = sides[name]()
            if number >= 0:
                samples[name].append(sample)
        order.reverse()
    return samples


def median(samples: Sequence[S], figure: Callable[[S], float]) -> float:
    return statistics.median(map(figure, samples))


def median_ratio(ours: Sequence[S], theirs: Sequence[S], figure: Callable[[S], float]) -> float:
    """The median, over rounds, of ours / theirs."""
    return statistics.median(figure(a) / figure(b) for a, b in zip(ours, theirs, strict=True))
