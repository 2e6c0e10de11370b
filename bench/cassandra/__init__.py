"""The figures of the Cassandra engine: on nodes that are set as in production."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench.cassandra import append, growth, log, three_nodes
from bench.cassandra.server import Server
from bench.plan import Plan
from bench.result import Result

__all__ = ["CASES"]

CASES: Mapping[str, Callable[[Plan, Server], Iterator[Result]]] = {
    "cassandra_append": append.measure,
    "cassandra_log": log.measure,
    "cassandra_growth": growth.measure,
    "cassandra_three_nodes": three_nodes.measure,
}
