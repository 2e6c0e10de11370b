"""Stores of a benchmark: SQLite files that last as long as a block."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.machine import folder
from headwater.domain.append import Append, Write
from headwater.domain.event import NewEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact, NoStream
from headwater.engines.sqlite import open_engine
from headwater.ports.engine import Engine, EngineOptions

__all__ = ["a_path", "create", "one_write", "opened", "url"]


@contextmanager
def a_path() -> Iterator[Path]:
    """A place for a store on the benchmark's disk."""
    with tempfile.TemporaryDirectory(prefix="headwater-bench-", dir=folder(), ignore_cleanup_errors=True) as place:
        yield Path(place, "store.db")


def url(path: Path) -> str:
    return f"sqlite:///{path}"


async def opened(path: Path) -> Engine:
    """The engine on this file."""
    engine = open_engine(url(path), EngineOptions())
    await engine.open()
    return engine


async def create(path: Path) -> None:
    """The engine's tables and indexes, empty."""
    await (await opened(path)).close()


def one_write(stream: StreamId, version: int, *events: NewEvent) -> Append:
    """An append to a stream that stands at this version."""
    expected = Exact(version) if version else NoStream()
    return Append(writes=(Write(stream=stream, expected=expected, events=events),))
