"""Catching: schedules of the protocol without one of its rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import msgspec

from tests.cassandra.mutants.append_rules import APPEND_RULES
from tests.cassandra.mutants.hint_rules import HINT_RULES
from tests.cassandra.mutants.index_rules import INDEX_RULES
from tests.cassandra.mutants.key_rules import KEY_RULES
from tests.cassandra.mutants.lease_rules import LEASE_RULES
from tests.cassandra.mutants.log_rules import LOG_RULES
from tests.cassandra.mutants.planting import planted
from tests.cassandra.simulator.leases import run_leases
from tests.cassandra.simulator.schedule import run
from tests.cassandra.simulator.variant import LeaseVariant, Variant

__all__ = ["RULES", "Caught", "catch", "catch_all"]

RULES = {rule.name: rule for rule in (*APPEND_RULES, *LOG_RULES, *HINT_RULES, *INDEX_RULES, *KEY_RULES, *LEASE_RULES)}
FIRST_SEED = 1_000_000


class Caught(msgspec.Struct, frozen=True):
    """How often the protocol fails without a rule."""

    rule: str
    schedules: int
    violations: Counter[str]
    first_seed: int | None
    """Of the first schedule that fails; None: it was not caught."""


def catch(name: str, schedules: int | None = None, enough: int | None = None) -> Caught:
    """Run schedules without a rule: as many as it asks for, or until so many have failed."""
    rule = RULES[name]
    count = rule.schedules if schedules is None else schedules
    found: Counter[str] = Counter()
    first, ran = None, 0
    with planted(rule.edits):
        for seed in range(FIRST_SEED, FIRST_SEED + count):
            ran += 1
            violation = _violation(seed, rule.variant)
            if violation is not None:
                found[violation] += 1
                first = seed if first is None else first
            if enough is not None and found.total() >= enough:
                break
    return Caught(name, ran, found, first)


def _violation(seed: int, variant: Variant | LeaseVariant) -> str | None:
    return run_leases(seed, variant)[1] if isinstance(variant, LeaseVariant) else run(seed, variant).violation


def catch_all(names: Sequence[str], schedules: int | None, enough: int | None, processes: int) -> list[Caught]:
    """Each rule, in processes of its own kind."""
    count = len(names)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        return list(pool.map(catch, names, [schedules] * count, [enough] * count))
