"""`python -m tests.faults`: break what can be broken, count what was lost, write bench/out/faults.json."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping

import msgspec
import pytest

from headwater.errors import ConfigurationError
from tests.engines.run_servers import stop_servers
from tests.faults.breaking import break_server, trust_replies
from tests.faults.cancellations import cancel, cancel_carelessly, cancel_on_postgres
from tests.faults.cassandra_fire import Load, break_nodes, plant_a_bug
from tests.faults.cassandra_suites import SUITES, run_suites
from tests.faults.effects import kill_projections
from tests.faults.fire import feed_by_sequence, feed_under_fire
from tests.faults.folder import ROOT
from tests.faults.freezing import freeze_and_thaw, thaw_careless, thaw_hasty, thaw_late
from tests.faults.half_done import leave_half_done
from tests.faults.holding import freeze_in_transaction, freeze_inside
from tests.faults.idling import stand_idle
from tests.faults.kills import kill_early, kill_writers
from tests.faults.poison import park_poison
from tests.faults.power import Session, cut_power, cut_power_of_normal
from tests.faults.rebuilding import kill_forgetful, kill_rebuilds, rebuild_live, rebuild_losing
from tests.faults.report import CONTROL, Row, failures, table
from tests.faults.retail_poison import forget_poison, poison_retail
from tests.faults.retail_workers import kill_retail, kill_unknowing_retail
from tests.faults.schedules import remove_rules, run_lease_schedules, run_log_schedules
from tests.faults.sharing import kill_early_checkpoints, kill_sharing, kill_unknowing
from tests.faults.side_effects import kill_markless, kill_telling
from tests.faults.slowness import hoard, lag_behind
from tests.faults.stores import ON_CASSANDRA, ON_POSTGRES
from tests.faults.swapping import swap_under_careless, swap_under_late, swap_under_zombie

OUT = ROOT / "bench" / "out"
LONG = [Session(f"long{number}", 240, 130) for number in range(12)] + [Session("large", 1_200, 100, 20_000)]
SHORT = [Session("short", 200, 140), Session("large", 1_000, 20, 20_000)]
LONG_FIRE, SHORT_FIRE = Load(operations=50_000, seconds=4_500, calm=8), Load(operations=500, seconds=75, calm=0)
CONTROL_SESSIONS = [Session("control", 200, 60)]

CASES: Mapping[str, Callable[[bool], Row]] = {
    "kill -9 of writers": lambda short: asyncio.run(kill_writers(*((15, 10_000) if short else (150, 100_000)))),
    "acknowledged too early": lambda short: asyncio.run(kill_early(3 if short else 10)),
    "power cuts": lambda short: cut_power(SHORT if short else LONG),
    "power cuts without sync": lambda short: cut_power_of_normal(CONTROL_SESSIONS),
    "cancellations": lambda short: asyncio.run(cancel(1_000 if short else 10_000)),
    "kill -9 of projections": lambda short: asyncio.run(kill_projections(8 if short else 80)),
    "processes that share, killed": lambda short: asyncio.run(kill_sharing(25 if short else 500)),
    "checkpoints before rows": lambda short: asyncio.run(kill_early_checkpoints(8 if short else 20)),
    "frozen, overtaken, thawed": lambda short: asyncio.run(freeze_and_thaw(8 if short else 100)),
    "epochs ignored": lambda short: asyncio.run(thaw_careless(5)),
    "frozen inside a transaction": lambda short: asyncio.run(freeze_inside(3 if short else 20)),
    "frozen while swapped": lambda short: asyncio.run(swap_under_zombie(5 if short else 50)),
    "generations mistaken": lambda short: asyncio.run(swap_under_careless(8)),
    "side effects, killed": lambda short: asyncio.run(kill_telling(10 if short else 100)),
    "side effects marked too early": lambda short: asyncio.run(kill_markless(5)),
    "rebuilds under live writes": lambda short: asyncio.run(rebuild_live(*((3, 2_000) if short else (20, 20_000)))),
    "rebuilds, killed": lambda short: asyncio.run(kill_rebuilds(*((3, 4_000) if short else (20, 20_000)))),
    "rebuilds begun anew": lambda short: asyncio.run(kill_forgetful(2, 4_000)),
    "rebuilds that lose": lambda short: asyncio.run(rebuild_losing(2_000)),
    "poison in the retail data": lambda short: asyncio.run(poison_retail(20_000 if short else 200_000)),
    "poison forgotten": lambda short: asyncio.run(forget_poison(2_000)),
    "a slow consumer": lambda short: asyncio.run(lag_behind(50_000 if short else 1_000_000)),
    "a slow consumer that hoards": lambda short: asyncio.run(hoard(60_000)),
    "poison": lambda short: asyncio.run(park_poison(4_000 if short else 40_000)),
    "schedules of the log protocol": lambda short: run_log_schedules(20_000 if short else 1_000_000),
    "schedules of a lease": lambda short: run_lease_schedules(2_000 if short else 100_000),
    "rules of the log protocol removed": lambda short: remove_rules(),
}

POSTGRES: Mapping[str, Callable[[bool], Row]] = {
    "feed under fire": lambda short: asyncio.run(feed_under_fire(20_000 if short else 200_000)),
    "feed by a sequence": lambda short: asyncio.run(feed_by_sequence(2_000 if short else 20_000)),
    "a broken server": lambda short: asyncio.run(break_server(*((12, 2_000) if short else (60, 20_000)))),
    "lost replies mistaken": lambda short: asyncio.run(trust_replies(3 if short else 10)),
    "cancellations on PostgreSQL": lambda short: asyncio.run(cancel_on_postgres(1_000 if short else 10_000)),
    "cancelled and committed": lambda short: asyncio.run(cancel_carelessly(3_000)),
    "processes that share PostgreSQL": lambda short: asyncio.run(kill_sharing(4 if short else 200, ON_POSTGRES)),
    "its checkpoints before rows": lambda short: asyncio.run(kill_early_checkpoints(2 if short else 20, ON_POSTGRES)),
    "frozen beside PostgreSQL": lambda short: asyncio.run(freeze_and_thaw(3 if short else 40, ON_POSTGRES)),
    "its epochs ignored": lambda short: asyncio.run(thaw_careless(2 if short else 5, ON_POSTGRES)),
    "frozen while it is swapped": lambda short: asyncio.run(swap_under_zombie(2 if short else 20, ON_POSTGRES)),
    "its generations mistaken": lambda short: asyncio.run(swap_under_careless(2 if short else 8, ON_POSTGRES)),
    "frozen inside its transaction": lambda short: asyncio.run(freeze_in_transaction(2 if short else 40)),
    "its projections killed": lambda short: asyncio.run(kill_projections(2 if short else 200, ON_POSTGRES)),
    "its side effects, killed": lambda short: asyncio.run(kill_telling(3 if short else 40, ON_POSTGRES)),
    "its side effects marked too early": lambda short: asyncio.run(kill_markless(2 if short else 5, ON_POSTGRES)),
    "idle in a transaction": lambda short: asyncio.run(stand_idle(1 if short else 5)),
}
"""On a real server each: left out, aloud, where none is installed, unless HEADWATER_REQUIRE_ENGINES names postgres."""

CASSANDRA: Mapping[str, Callable[[bool], Row]] = {
    "retail on Cassandra, killed": lambda short: asyncio.run(
        kill_retail(*((6, 1_500) if short else (200, 40_000)), ON_CASSANDRA)
    ),
    "retail rows that know no events": lambda short: asyncio.run(
        kill_unknowing_retail(*((9, 1_500) if short else (30, 6_000)), ON_CASSANDRA)
    ),
    "processes that share Cassandra": lambda short: asyncio.run(kill_sharing(4 if short else 100, ON_CASSANDRA)),
    "checkpoints there before rows": lambda short: asyncio.run(
        kill_early_checkpoints(3 if short else 20, ON_CASSANDRA)
    ),
    "rows there that know no events": lambda short: asyncio.run(kill_unknowing(3 if short else 20, ON_CASSANDRA)),
    "frozen beside Cassandra": lambda short: asyncio.run(freeze_and_thaw(2 if short else 40, ON_CASSANDRA)),
    "rows written late": lambda short: asyncio.run(thaw_late(2 if short else 40, ON_CASSANDRA)),
    "rows written late, by a clock": lambda short: asyncio.run(thaw_hasty(2 if short else 5, ON_CASSANDRA)),
    "rows written late, to what was replaced": lambda short: asyncio.run(
        swap_under_late(2 if short else 20, ON_CASSANDRA)
    ),
    "Cassandra's projections, killed": lambda short: asyncio.run(kill_projections(2 if short else 60, ON_CASSANDRA)),
    "Cassandra's side effects, killed": lambda short: asyncio.run(kill_telling(2 if short else 40, ON_CASSANDRA)),
    "Cassandra's side effects marked too early": lambda short: asyncio.run(
        kill_markless(2 if short else 5, ON_CASSANDRA)
    ),
    "rebuilds on Cassandra": lambda short: asyncio.run(
        rebuild_live(*((1, 600) if short else (5, 5_000)), ON_CASSANDRA)
    ),
    "rebuilds on Cassandra, killed": lambda short: asyncio.run(
        kill_rebuilds(*((2, 1_000) if short else (10, 10_000)), ON_CASSANDRA)
    ),
    "poison on Cassandra": lambda short: asyncio.run(poison_retail(1_000 if short else 20_000, ON_CASSANDRA)),
    "poison forgotten on Cassandra": lambda short: asyncio.run(forget_poison(1_000, ON_CASSANDRA)),
}
"""The same, of Cassandra: a keyspace each on one node, as only what uses it dies here."""

THREE_NODES: Mapping[str, Callable[[bool], Row]] = {
    "three nodes under fire": lambda short: asyncio.run(break_nodes(SHORT_FIRE if short else LONG_FIRE)),
    "writes left half done": lambda short: asyncio.run(leave_half_done(*((1, 80, 1) if short else (10, 200, 3)))),
    "intents skipped": lambda short: asyncio.run(plant_a_bug("skip intents", 100 if short else 1_000)),
    "replies trusted": lambda short: asyncio.run(plant_a_bug("trust replies", 300 if short else 1_000)),
    "suites on three nodes": lambda short: asyncio.run(run_suites(SUITES)),
}
"""Of Cassandra where nodes die, too: on three of them that these cases share."""
MORE_CONTROLS = 2
LONG_ONLY = {"suites on three nodes"}
ALL = {**CASES, **POSTGRES, **CASSANDRA, **THREE_NODES}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of everything")
    parser.add_argument("--only", action="append", choices=ALL, help="this kind of fault; may be repeated")
    arguments = parser.parse_args()
    try:
        ran = [_run(name, arguments.short) for name in arguments.only or _names(arguments.short)]
    finally:
        stop_servers()
    rows = [row for row in ran if row is not None]
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "faults.json").write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
    print(f"\n{table(rows)}\n")
    if broken := failures(rows):
        sys.exit("\n".join(f"NOT KEPT: {promise}" for promise in broken))


def _names(short: bool) -> list[str]:
    return [name for name in ALL if not short or name not in LONG_ONLY]


def _run(name: str, short: bool) -> Row | None:
    print(f"{name} ...", flush=True)
    started = time.monotonic()
    engine = "postgres" if name in POSTGRES else "cassandra" if name in THREE_NODES else None
    try:
        row = _measured(ALL[name], short)
    except (ConfigurationError, pytest.skip.Exception) as absent:
        is_required = engine in os.environ.get("HEADWATER_REQUIRE_ENGINES", "").split(",")
        if isinstance(absent, ConfigurationError) and (engine is None or is_required):
            raise
        print(f"  NOT RUN: {absent}", flush=True)
        return None
    print(f"  {time.monotonic() - started:.0f} s", flush=True)
    return row


def _measured(case: Callable[[bool], Row], short: bool) -> Row:
    """One run; a control that had the luck to lose nothing has others, for what is killed at random may be idle."""
    row = case(short)
    for _ in range(MORE_CONTROLS):
        if not (row.promise.startswith(CONTROL) and failures([row])):
            break
        print("  nothing was lost: once more", flush=True)
        row = case(short)
    return row


if __name__ == "__main__":
    main()
