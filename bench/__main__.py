"""`python -m bench`: run every benchmark, print a table, write bench/out/latest.json.

Those of PostgreSQL and Cassandra need what their servers are made of on this machine: they start one of their own, and
are left out by name where there is none, unless HEADWATER_REQUIRE_ENGINES names the engine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from bench import (
    append,
    bus,
    command,
    growth,
    load,
    parallelism,
    projection,
    read_your_write,
    rebuild,
    replay_memory,
    sharing,
    visible,
)
from bench.cassandra import CASES as CASSANDRA
from bench.cassandra.server import server as cassandra_server
from bench.machine import machine
from bench.plan import Plan
from bench.postgres import CASES as POSTGRES
from bench.postgres.server import server as postgres_server
from bench.result import Result, judged, table
from headwater.errors import ConfigurationError

S = TypeVar("S")

OUT = Path(__file__).parent / "out"
CASES: Mapping[str, Callable[[Plan], Iterator[Result]]] = {
    "append": append.measure,
    "command": command.measure,
    "load": load.measure,
    "projection": projection.measure,
    "parallelism": parallelism.measure,
    "sharing": sharing.measure,
    "rebuild": rebuild.measure,
    "bus": bus.measure,
    "read_your_write": read_your_write.measure,
    "visible": visible.measure,
    "growth": growth.measure,
    "replay_memory": replay_memory.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="small sizes: goes through every path, figures are rough")
    names = [*CASES, *POSTGRES, *CASSANDRA]
    parser.add_argument("--only", action="append", choices=names, help="this benchmark; may be repeated")
    arguments = parser.parse_args()
    header = machine()
    results = measured(Plan(short=arguments.short), arguments.only or names)
    OUT.mkdir(exist_ok=True)
    report = msgspec.json.encode({"machine": {**header, "short": arguments.short}, "results": results})
    (OUT / "latest.json").write_bytes(msgspec.json.format(report) + b"\n")
    print(f"\n{table(results)}\n")
    missed = sum(result.met is False for result in results)
    print(f"{len(results)} figures, {missed} below their goal; bench/out/latest.json has them all")


def measured(plan: Plan, names: Sequence[str]) -> list[Result]:
    """The results of the named benchmarks, in their order."""
    results: list[Result] = []
    with ExitStack() as stack:
        cases = {
            **CASES,
            **_on("postgres", stack, postgres_server, POSTGRES, names),
            **_on("cassandra", stack, cassandra_server, CASSANDRA, names),
        }
        for name in filter(cases.__contains__, names):
            started = time.monotonic()
            print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
            results += map(judged, cases[name](plan))
            print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    return results


def _on(
    engine: str,
    stack: ExitStack,
    server: Callable[[], AbstractContextManager[S]],
    cases: Mapping[str, Callable[[Plan, S], Iterator[Result]]],
    names: Sequence[str],
) -> dict[str, Callable[[Plan], Iterator[Result]]]:
    """Those of an engine on a server that runs as long as the stack; none where none is installed, or asked for."""
    if not cases.keys() & names:
        return {}
    try:
        running = stack.enter_context(server())
    except ConfigurationError as missing:
        if engine in os.environ.get("HEADWATER_REQUIRE_ENGINES", "").split(","):
            raise
        print(f"{engine} is not measured: {missing}", file=sys.stderr)
        return {}
    return {name: partial(_measured_on, measure, running) for name, measure in cases.items()}


def _measured_on(measure: Callable[[Plan, S], Iterator[Result]], running: S, plan: Plan) -> Iterator[Result]:
    return measure(plan, running)


if __name__ == "__main__":
    main()
