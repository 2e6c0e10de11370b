"""Runs the shop's projections, and stands still in the middle of a batch until it is killed: `dying.py log views n`.

What it mails goes to its output, an item and a version a line; `holding` is the last line.
"""

from __future__ import annotations

import asyncio
import sys

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.projections.after_commit import after_commit
from headwater.read_models.views import Views
from tests.projections.mail import Post, Quiet
from tests.projections.shop import Added, StockView
from tests.split.shop import shop

__all__ = ["LEASE_SECONDS", "Dying"]

LEASE_SECONDS = 1.0


class Dying(Quiet, name="mailing"):
    def __init__(self, last: int) -> None:
        super().__init__(Post())
        self.left = last

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        await views.add(StockView, e.stream, units=e.data.units, events=1)
        self.left -= 1
        if not self.left:
            print("holding", flush=True)
            await asyncio.Event().wait()

    @after_commit(Added)
    async def told(self, e: Recorded[Added]) -> None:
        print(e.stream, e.version, flush=True)


async def main(log: str, views: str, last: int) -> None:
    async with shop(log, views, Dying(last), batch_size=7, lease_seconds=LEASE_SECONDS):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
