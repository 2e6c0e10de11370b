"""schedules: the cores of the protocols on Cassandra, under chance instead of a server."""

from __future__ import annotations

from tests.cassandra.mutants.catching import RULES, catch_all
from tests.cassandra.simulator.many import run_many
from tests.faults.history import Findings
from tests.faults.report import Row, row

__all__ = ["remove_rules", "run_log_schedules"]

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


def remove_rules() -> Row:
    """The control: without any one of its rules the protocol fails. Other counts the rules that nobody missed."""
    caught = catch_all(list(RULES), None, 1, PROCESSES)
    found = Findings()
    found.other += [f"not missed: {rule.rule}" for rule in caught if rule.first_seed is None]
    print(f"  {len(caught) - len(found.other)} of {len(caught)} rules are missed when removed")
    return row("no rule of the log protocol is idle", sum(rule.schedules for rule in caught), len(caught), found)
