"""A goal is met or missed by its figure alone, and a ratio is that of the median round."""

from __future__ import annotations

import pytest

from bench.result import Better, Result, judged, table
from bench.rounds import Sample, interleave, median_ratio


def result(
    better: Better = "higher", value: float | None = 7.0, ratio: float | None = None, goal: float | None = None
) -> Result:
    return Result(name="a", value=value, unit="u", better=better, against="b", ratio=ratio, goal=goal)


@pytest.mark.parametrize(
    ("given", "met"),
    [
        (result("higher", ratio=0.5, goal=0.5), True),
        (result("higher", ratio=0.49, goal=0.5), False),
        (result("lower", ratio=1.5, goal=1.5), True),
        (result("lower", ratio=1.51, goal=1.5), False),
        (result("lower", value=64.0, goal=64), True),
        (result("lower", value=64.1, goal=64), False),
        (result(goal=None), None),
        (result(value=None, goal=3), None),
    ],
)
def test_met_follows_from_ratio_or_value(given: Result, met: bool | None) -> None:
    assert judged(given).met is met
    assert ("MISSED" in table([judged(given)])) is (met is False)


def test_a_ratio_is_the_median_over_rounds() -> None:
    ours = [Sample(10, seconds, 0.0) for seconds in (1.0, 1.0, 9.0)]
    theirs = [Sample(10, seconds, 0.0) for seconds in (1.0, 2.0, 3.0)]
    assert median_ratio(ours, theirs, lambda sample: sample.rate) == 1.0


def test_sides_take_turns_and_the_warm_up_does_not_count() -> None:
    turns: list[str] = []

    def side(name: str) -> Sample:
        turns.append(name)
        return Sample(len(turns), 1.0, 1.0)

    samples = interleave({"a": lambda: side("a"), "b": lambda: side("b")}, rounds=2)
    assert turns == ["a", "b", "b", "a", "a", "b"]
    assert [sample.operations for sample in samples["a"]] == [4, 5]
