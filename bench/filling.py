"""Filling: stores with many events in many streams, written through the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.domain import new_event
from bench.store import one_write
from headwater.domain.stream import StreamId
from headwater.ports.engine import Engine

__all__ = ["fill"]

_AT_ONCE = 32
"""Appends on their way, so that they share commits."""


async def fill(engine: Engine, events: int, streams: int) -> None:
    """`events` credits over `streams` accounts, one append for each account."""
    sizes = iter([(f"f{number}", _share(events, streams, number)) for number in range(streams)])
    await asyncio.gather(*(_write(engine, sizes) for _ in range(_AT_ONCE)))


def _share(total: int, parts: int, number: int) -> int:
    return total * (number + 1) // parts - total * number // parts


async def _write(engine: Engine, sizes: Iterator[tuple[str, int]]) -> None:
    for account, size in sizes:
        events = [new_event() for _ in range(size)]
        await engine.events.append(one_write(StreamId("account", account), 0, *events))
