"""Cassandra, three nodes: the same work where each write is made three times, all on this machine; for the record."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from bench.cassandra import append, log
from bench.cassandra.server import Server, server
from bench.plan import Plan
from bench.result import Result

__all__ = ["measure"]


def measure(plan: Plan, _: Server) -> Iterator[Result]:
    """Without goals, as three nodes share the cores of one; left out of the short run."""
    if plan.short:
        return
    with server(nodes=3) as three:
        for result in (*append.measure(plan, three), *log.measure(plan, three)):
            name = result.name.replace("Cassandra:", "Cassandra, three nodes:")
            yield msgspec.structs.replace(result, name=name, goal=None)
