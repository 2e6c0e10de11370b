"""Runs of the retail job: in this process, in others, and killed on the way."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from headwater.opening import open_engine
from headwater.ports.engine import EngineOptions

__all__ = ["HEADWATER", "Silent", "finish", "kill_at", "retail"]

HEADWATER: Final = (sys.executable, "-m", "headwater.cli")


class Silent:
    """Watches nothing."""

    def begin(self, phase: str, total: int | None) -> None: ...

    def reached(self, done: int) -> None: ...


def retail(file: Path, url: str, *options: str) -> list[str]:
    """The command line: ends with 0 only if its figures equal the truth beside the file."""
    return [*HEADWATER, "demo", "retail", "--data", str(file), "--engine", url, "--json", "--check", *options]


def finish(command: Sequence[str]) -> dict[str, object]:
    """Run it to a good end; what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return cast("dict[str, object]", json.loads(done.stdout))


async def kill_at(command: Sequence[str], url: str, reach: int) -> int:
    """Start it, kill -9 it once the log is that long; how long the log was then."""
    null = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=null, stderr=null)
    engine = open_engine(url, EngineOptions())
    await engine.open()
    try:
        while True:
            seen = engine.wakeups.seen()
            head = sum([await engine.log.head(partition) for partition in range(engine.log.partitions)])
            if head >= reach:
                return head
            assert process.returncode is None
            await engine.wakeups.wait(seen, 1.0)
    finally:
        process.kill()
        await process.wait()
        await engine.close()
