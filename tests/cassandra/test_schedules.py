"""Random schedules of the log's protocol; `make faults` runs many more."""

from __future__ import annotations

import pytest

from tests.cassandra.simulator.schedule import run
from tests.cassandra.simulator.variant import VARIANTS

SEEDS = range(60)


@pytest.mark.parametrize("name", VARIANTS)
def test_no_schedule_violates_an_invariant(name: str) -> None:
    ran = [run(seed, VARIANTS[name]) for seed in SEEDS]
    assert [found for found in ran if found.violation is not None] == []
    assert sum(found.events for found in ran) > len(SEEDS) // 2


def test_a_seed_is_one_schedule() -> None:
    assert [run(seed, VARIANTS["protocol"]) for seed in SEEDS] == [run(seed, VARIANTS["protocol"]) for seed in SEEDS]
