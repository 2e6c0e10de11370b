"""slowness: a slow consumer costs time, not memory, and the status says who lags and by how much."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

import msgspec

from tests.faults.folder import ROOT, a_folder
from tests.faults.history import Findings
from tests.faults.report import Row, control, row
from tests.faults.slow_consumer import RATIO, Look

__all__ = ["hoard", "lag_behind"]

GROWTH = 64 << 20
"""Bytes a process may grow by."""

_decode = msgspec.json.Decoder(Look).decode


async def lag_behind(events: int) -> Row:
    """A consumer at a hundredth of the producer's rate."""
    looks = await _looks(events, padding=200)
    return row("a consumer 100 times slower than the producer: 64 MiB at most", events, 1, _check(looks, events))


async def hoard(events: int) -> Row:
    """The control: a process that keeps what it has appended."""
    looks = await _looks(events, 1_600, "hoarding")
    grown = Findings(lost=[text for text in _check(looks, events).other if "grew" in text])
    return control("a slow consumer that keeps events in memory", events, 1, grown)


async def _looks(events: int, padding: int, *options: str) -> list[Look]:
    with a_folder() as folder:
        url = f"sqlite:///{folder}/store.db?synchronous=normal"
        command = [sys.executable, "-m", "tests.faults.slow_consumer", url, str(events), str(padding), *options]
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=ROOT)
        assert process.stdout is not None
        looks = [_decode(line) async for line in process.stdout]
        if await process.wait() != 0 or len(looks) < 3:
            raise AssertionError(f"the consumer ended with {process.returncode} after {len(looks)} looks")
        return looks


def _check(looks: list[Look], events: int) -> Findings:
    found = Findings()
    first, last = looks[0], looks[-1]
    grown = max(look.rss for look in looks) - first.rss
    print(
        f"  grew by {grown / (1 << 20):.1f} MiB; behind by {last.lag:,} events and {last.lag_seconds:.1f} s", flush=True
    )
    if grown > GROWTH:
        found.other.append(f"the process grew by {grown:,} bytes")
    if last.lag < events - events // RATIO - 1 or not first.lag < last.lag:
        found.other.append(f"of {events} events the slow one is said to lack {last.lag}, and {first.lag} at first")
    if not 0 < first.lag_seconds < last.lag_seconds:
        found.other.append(f"it is said to be behind by {first.lag_seconds} s, then by {last.lag_seconds} s")
    if last.behind != "slow":
        found.other.append(f"{last.behind!r} is said to lag most")
    return found
