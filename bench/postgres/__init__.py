"""The figures of the PostgreSQL engine: every side on one server, durable as in production."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench.plan import Plan
from bench.postgres import append, boundary, command, load, log, projection, read_your_write, rebuild
from bench.postgres.server import Server
from bench.result import Result

__all__ = ["CASES"]

CASES: Mapping[str, Callable[[Plan, Server], Iterator[Result]]] = {
    "postgres_append": append.measure,
    "postgres_command": command.measure,
    "postgres_load": load.measure,
    "postgres_log": log.measure,
    "postgres_projection": projection.measure,
    "postgres_rebuild": rebuild.measure,
    "postgres_read_your_write": read_your_write.measure,
    "postgres_boundary": boundary.measure,
}
