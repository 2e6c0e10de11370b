"""effects_runner: a process that runs a projection until it is killed."""

from __future__ import annotations

import asyncio
import sys

from headwater import CQRSManager, RunnerOptions
from tests.faults.marks import CountMarks

__all__ = ["OPTIONS"]

OPTIONS = RunnerOptions(batch_size=4, lease_seconds=0.3)
"""Small batches, so that there are many commits to be killed in; short leases, so that the next process takes over."""


async def main(url: str) -> None:
    async with CQRSManager(url, projections=[CountMarks()], runner=OPTIONS):
        print("running", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
