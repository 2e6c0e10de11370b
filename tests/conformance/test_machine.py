"""The machine that compares two engines passes on twins and finds a bug in one of them."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from headwater.engines.memory import MemoryEngine
from headwater.engines.memory.state import Part
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.conformance.machine import EnginesAgree
from tests.conformance import planted

ALWAYS_THE_SAME = hypothesis.settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    stateful_step_count=30,
    phases=[hypothesis.Phase.generate],
)


def compare_with(bug: type[Part] | None) -> None:
    class Twins(EnginesAgree):
        def make_engines(self, options: EngineOptions) -> tuple[Engine, Engine]:
            subject = MemoryEngine(1, options)
            if bug is not None:
                planted.plant(subject, bug)
            return MemoryEngine(1, options), subject

    run_state_machine_as_test(Twins, settings=ALWAYS_THE_SAME)


def test_twins_agree() -> None:
    compare_with(None)


@pytest.mark.parametrize(
    "bug",
    [
        planted.ReplayAppendsAgain,
        planted.ReleaseAfterClaim,
        planted.RefusedTakesClaim,
        planted.PartialAtomicAppend,
        planted.HiddenRowsInTheFold,
        planted.TimestampsRepeat,
        planted.LimitOffByOne,
        planted.EpochIgnored,
        planted.ChangesBeforeCheckpoint,
        planted.EpochStands,
        planted.EarlierSnapshotWins,
    ],
)
def test_a_planted_bug_is_found(bug: type[Part]) -> None:
    with pytest.raises(AssertionError):
        compare_with(bug)
