"""schedules: the cores of the protocols on Cassandra, under chance instead of a server."""

from __future__ import annotations

from tests.cassandra.mutants.catching import RULES, catch_all
from tests.cassandra.simulator.leases import run_leases
from tests.cassandra.simulator.many import run_many
from tests.cassandra.simulator.variant import LEASE_VARIANTS
from tests.faults.history import Findings
from tests.faults.report import Row, row

__all__ = ["remove_rules", "run_lease_schedules", "run_log_schedules"]

PROCESSES = 2


def run_log_schedules(count: int) -> Row:
    """Crashes, pauses, zombies, late and unknown writes: no event is lost, doubled or out of order, no outcome untrue.

    The row counts events as operations, schedules as faults, and violations as other.
    """
    done = run_many(count, PROCESSES)
    found = Findings()
    found.other += [f"{name}, seed {ran.seed}: {ran.violation}" for name, ran in done.bad]
    print(
        f"  {done.schedules:,} schedules, {done.events:,} events, {done.steps:,} steps, {done.replays:,} commands "
        f"repeated, {len(done.bad):,} violations"
    )
    return row("random schedules of the log protocol", done.events, done.schedules, found)


def run_lease_schedules(count: int) -> Row:
    """Workers with wrong clocks, under the same faults: an epoch has one owner, and nobody is stuck."""
    found, acquired = Findings(), 0
    for seed in range(count):
        variant = LEASE_VARIANTS[seed % len(LEASE_VARIANTS)]
        times, violation = run_leases(seed, variant)
        acquired += times
        found.other += [] if violation is None else [f"{variant}, seed {seed}: {violation}"]
    return row("random schedules of a lease", acquired, count, found)


def remove_rules() -> Row:
    """The control: without any one of its rules a protocol fails. Other counts the rules that nobody missed."""
    caught = catch_all(list(RULES), None, 1, PROCESSES)
    found = Findings()
    found.other += [f"not missed: {rule.rule}" for rule in caught if rule.first_seed is None]
    print(f"  {len(caught) - len(found.other)} of {len(caught)} rules are missed when removed")
    return row(
        "no rule of the protocols on Cassandra is idle", sum(rule.schedules for rule in caught), len(caught), found
    )
