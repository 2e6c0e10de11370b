"""Takes a snapshot of a shop and kills itself before the n-th step of writing it: `snapshot_writer.py folder n`."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headwater.engines.sqlite import open_engine
from headwater.ports.engine import EngineOptions
from headwater.read_models.snapshots_blocks import BlockWriter
from headwater.testing.clock import ManualClock
from tests.projections.shop import Shop, Stock
from tests.projections.snapshots import Application


def deadly(step: Callable[..., Any], steps: itertools.count[int], last: int) -> Callable[..., Any]:
    def stepped(*args: Any, **options: Any) -> Any:
        if next(steps) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*args, **options)

    return stepped


async def main(folder: Path, last: int) -> None:
    clock = ManualClock()
    engine = open_engine(f"sqlite:///{folder}/shop.db", EngineOptions(clock=clock))
    shop = Shop(engine, await engine.open(), clock)
    application = Application(shop)
    steps = itertools.count(1)
    for owner, name in ((BlockWriter, "write"), (os, "fsync"), (os, "replace")):
        setattr(owner, name, deadly(getattr(owner, name), steps, last))
    await application.snapshots(folder / "kept").snapshot_now(Stock)
    await engine.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
