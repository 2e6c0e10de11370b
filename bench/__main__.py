"""`python -m bench`: run every benchmark, print a table, write bench/out/latest.json.

Those of PostgreSQL need a server installed on this machine: they start one of their own, and are left out by name where
there is none, unless HEADWATER_REQUIRE_ENGINES names postgres.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

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
from bench.machine import machine
from bench.plan import Plan
from bench.postgres import CASES as POSTGRES
from bench.postgres.server import Server, server
from bench.result import Result, judged, table
from headwater.errors import ConfigurationError

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
    parser.add_argument("--only", action="append", choices=[*CASES, *POSTGRES], help="this benchmark; may be repeated")
    arguments = parser.parse_args()
    header = machine()
    results = measured(Plan(short=arguments.short), arguments.only or [*CASES, *POSTGRES])
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
        cases = {**CASES, **(_on_postgres(stack) if POSTGRES.keys() & names else {})}
        for name in filter(cases.__contains__, names):
            started = time.monotonic()
            print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
            results += map(judged, cases[name](plan))
            print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    return results


def _on_postgres(stack: ExitStack) -> dict[str, Callable[[Plan], Iterator[Result]]]:
    """The benchmarks of PostgreSQL on a server that runs as long as the stack; none where none is installed."""
    try:
        running = stack.enter_context(server())
    except ConfigurationError as missing:
        if "postgres" in os.environ.get("HEADWATER_REQUIRE_ENGINES", "").split(","):
            raise
        print(f"PostgreSQL is not measured: {missing}", file=sys.stderr)
        return {}
    return {name: _on(running, measure) for name, measure in POSTGRES.items()}


def _on(running: Server, measure: Callable[[Plan, Server], Iterator[Result]]) -> Callable[[Plan], Iterator[Result]]:
    return lambda plan: measure(plan, running)


if __name__ == "__main__":
    main()
