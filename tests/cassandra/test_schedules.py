"""Random schedules of the log's protocol; `make faults` runs many more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cassandra.simulator.many import run_many
from tests.cassandra.simulator.schedule import run
from tests.cassandra.simulator.variant import VARIANTS

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(40)


@pytest.mark.parametrize("name", VARIANTS)
def test_no_schedule_violates_an_invariant(name: str) -> None:
    ran = [run(seed, VARIANTS[name]) for seed in SEEDS]
    assert [found for found in ran if found.violation is not None] == []
    assert sum(found.events for found in ran) > len(SEEDS) // 2


def test_a_seed_is_one_schedule() -> None:
    assert [run(seed, VARIANTS["protocol"]) for seed in SEEDS] == [run(seed, VARIANTS["protocol"]) for seed in SEEDS]


def test_many_schedules_are_spread_over_the_variants() -> None:
    tally = run_many(2 * len(VARIANTS), processes=1)
    alone = [run(seed, variant) for variant in VARIANTS.values() for seed in range(2)]
    assert (tally.schedules, tally.bad) == (len(alone), [])
    assert (tally.events, tally.steps) == (sum(ran.events for ran in alone), sum(ran.steps for ran in alone))


def test_a_seed_is_the_same_schedule_in_every_process() -> None:
    program = (
        "from tests.cassandra.simulator.schedule import run\n"
        "from tests.cassandra.simulator.variant import VARIANTS\n"
        "print([run(seed, VARIANTS['protocol']) for seed in range(10)])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(printed) == 1
