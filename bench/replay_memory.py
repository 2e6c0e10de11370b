"""replay_memory: how much a process grows while it replays every event of a store; each replay has its own process."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.domain import Accounts, Credited
from bench.filling import fill
from bench.machine import ROOT
from bench.plan import Plan
from bench.result import Result
from bench.store import a_path, opened, url
from headwater import CQRSManager

__all__ = ["measure"]

EVENTS = 541_909
"""As many as the retail data has lines."""


class Grown(msgspec.Struct, frozen=True):
    """What the process that replayed reports."""

    events: int
    seconds: float
    mebibytes: float


def measure(plan: Plan) -> Iterator[Result]:
    """Replayed to a reader without a pause, and rebuilt into a read model."""
    events = plan.size(EVENTS, 50_000)
    with a_path() as path:
        asyncio.run(_fill(path, events))
        for what in ("replay", "rebuild"):
            grown = _in_its_own_process(path, what)
            assert grown.events == events
            yield Result(
                name=f"memory grown by the {what} of {events:,} events",
                value=grown.mebibytes,
                unit="MiB",
                better="lower",
                against=f"a ceiling; {events / grown.seconds:,.0f} events/s",
                goal=64,
            )


async def _fill(path: Path, events: int) -> None:
    engine = await opened(path)
    await fill(engine, events, events // 20)
    await engine.close()


def _in_its_own_process(path: Path, what: str) -> Grown:
    command = [sys.executable, "-m", "bench.replay_memory", str(path), what]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Grown)


async def _main(path: Path, what: str) -> Grown:
    loop = asyncio.get_running_loop()
    cqrs = CQRSManager(url(path), projections=[Accounts()], run_projections=False)
    await cqrs.initialize()
    before, started = _resident(), loop.time()
    events = await (_replay(cqrs) if what == "replay" else _rebuild(cqrs))
    grown = Grown(events, loop.time() - started, (_peak() - before) / 2**20)
    await cqrs.close()
    return grown


async def _replay(cqrs: CQRSManager) -> int:
    count = 0
    async for event in cqrs.replay(speed=None):
        count += isinstance(event.data, Credited)
    return count


async def _rebuild(cqrs: CQRSManager) -> int:
    return (await cqrs.synchronizer.rebuild_read_model(Accounts)).done


def _resident() -> int:
    """Bytes of memory in use now; where the machine does not tell, the most so far."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return _peak()


def _peak() -> int:
    """The most bytes of memory in use so far. Linux's ru_maxrss would count the parent's, from before this began."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes, where there is no /proc
    return int(status.partition("VmHWM:")[2].split()[0]) * 1_024


if __name__ == "__main__":
    print(msgspec.json.encode(asyncio.run(_main(Path(sys.argv[1]), sys.argv[2]))).decode())
