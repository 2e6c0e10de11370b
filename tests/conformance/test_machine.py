"""The machines that compare two engines pass on twins and finds a bug in one of them."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from headwater.engines.memory import MemoryEngine
from headwater.engines.memory.state import Part
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.conformance.agreement import Agreement
from headwater.testing.conformance.machine import EnginesAgree
from headwater.testing.conformance.projection_machine import ProjectionsAgree
from tests.conformance import planted
from tests.conformance import planted_read_side as read_side

ALWAYS_THE_SAME = hypothesis.settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=250,
    stateful_step_count=30,
    phases=[hypothesis.Phase.generate],
)


WRITE_SIDE: list[type[Part]] = [
    planted.ReplayAppendsAgain,
    planted.ReleaseAfterClaim,
    planted.RefusedTakesClaim,
    planted.PartialAtomicAppend,
    planted.HiddenRowsInTheFold,
    planted.TimestampsRepeat,
    planted.LimitOffByOne,
    planted.EpochStands,
    planted.EarlierSnapshotWins,
    read_side.BackOffIgnored,
]
READ_SIDE: list[type[Part]] = [
    planted.EpochIgnored,
    planted.ChangesBeforeCheckpoint,
    read_side.SwapKeepsEpochs,
    read_side.SwapDoesNotWait,
    read_side.BeginForgetsWhatWasBuilt,
    read_side.GenerationIgnored,
    read_side.ResetForgetsEffects,
    read_side.InlineAlthoughBehind,
    read_side.EditedDataLost,
    read_side.EarlierPauseStays,
]


def compare(machine: type[Agreement], bug: type[Part] | None) -> None:
    class Twins(machine):  # type: ignore[misc, valid-type]  # whichever of the two
        def make_engines(self, options: EngineOptions) -> tuple[Engine, Engine]:
            subject = MemoryEngine(1, options)
            if bug is not None:
                planted.plant(subject, bug)
            return MemoryEngine(1, options), subject

    run_state_machine_as_test(Twins, settings=ALWAYS_THE_SAME)


@pytest.mark.parametrize("machine", [EnginesAgree, ProjectionsAgree])
def test_twins_agree(machine: type[Agreement]) -> None:
    compare(machine, None)


@pytest.mark.parametrize(
    ("machine", "bug"),
    [*((EnginesAgree, bug) for bug in WRITE_SIDE), *((ProjectionsAgree, bug) for bug in READ_SIDE)],
)
def test_a_planted_bug_is_found(machine: type[Agreement], bug: type[Part]) -> None:
    with pytest.raises(AssertionError):
        compare(machine, bug)
