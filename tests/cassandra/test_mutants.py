"""Without any one of its rules the protocol fails, and the schedules show it."""

from __future__ import annotations

import pytest

from tests.cassandra.mutants.catching import RULES, catch
from tests.cassandra.mutants.planting import Edit, planted
from tests.cassandra.simulator.schedule import run
from tests.cassandra.simulator.variant import Variant


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_is_removed_is_missed(name: str) -> None:
    caught = catch(name, enough=1)
    assert caught.first_seed is not None


def test_what_was_planted_is_taken_out_again() -> None:
    before = [run(seed, Variant()) for seed in range(20)]
    for rule in RULES.values():
        with planted(rule.edits):
            pass
    assert [run(seed, Variant()) for seed in range(20)] == before


def test_an_edit_of_what_is_not_there_is_an_error() -> None:
    edits = [Edit("tests.cassandra.simulator.chance", "no such text", "")]
    with pytest.raises(ValueError, match="0 times"), planted(edits):
        pass
