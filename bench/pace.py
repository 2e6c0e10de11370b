"""Pace: work that begins when it is due, whether or not what began before is done; latencies count from then.

So who stalls is charged for everything that would have begun meanwhile. Only the standard library: peers use it, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

__all__ = ["RATE", "paced", "paced_in_threads", "percentiles"]

RATE = 500
"""Commands offered in a second."""
_THREADS = 256
"""More than can be on their way at once."""


async def paced(number: int, act: Callable[[int], Awaitable[object]]) -> list[float]:
    """Begin `act(0)` ... as tasks at RATE; seconds until each was done."""
    loop = asyncio.get_running_loop()
    begun: list[asyncio.Task[float]] = []

    async def measured(count: int, due: float) -> float:
        await act(count)
        return time.perf_counter() - due

    def begin(count: int, due: float) -> None:
        begun.append(loop.create_task(measured(count, due)))

    def tick() -> None:  # the loop's own timers are late by up to a millisecond
        for count, due in _dues(number):
            loop.call_soon_threadsafe(begin, count, due)

    await asyncio.to_thread(tick)
    await asyncio.sleep(0)
    return await asyncio.gather(*begun)


def paced_in_threads(number: int, act: Callable[[int], object]) -> list[float]:
    """As `paced`, for calls that block."""

    def measured(count: int, due: float) -> float:
        act(count)
        return time.perf_counter() - due

    with ThreadPoolExecutor(_THREADS) as threads:
        begun = [threads.submit(measured, count, due) for count, due in _dues(number)]
        return [each.result() for each in begun]


def _dues(number: int) -> Iterator[tuple[int, float]]:
    """Each count and when it is due, then."""
    start = time.perf_counter() + 0.01
    for count in range(number):
        due = start + count / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        yield count, due


def percentiles(latencies: list[float]) -> tuple[float, float]:
    """The 50th and the 99th."""
    ordered = sorted(latencies)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
