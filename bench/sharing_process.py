"""One of the processes that share projections: asked for 1 it starts and catches up, asked for 0 it stops."""

from __future__ import annotations

import asyncio
import sys
from typing import ClassVar

from bench.domain import AccountView, Credited
from bench.serving import serve_async
from headwater import CQRSManager, ProjectionHandler, Recorded, Views, on

__all__ = ["MODELS", "projections"]


class North(AccountView, table="north_views"): ...


class East(AccountView, table="east_views"): ...


class South(AccountView, table="south_views"): ...


class West(AccountView, table="west_views"): ...


MODELS: tuple[type[AccountView], ...] = (North, East, South, West)


class Counting(ProjectionHandler, abstract=True):
    view: ClassVar[type[AccountView]]

    @on(Credited)
    async def credited(self, event: Recorded[Credited], views: Views) -> None:
        await views.add(self.view, event.stream, balance=event.data.amount, credits=1)


class Norths(Counting, writes=[North]):
    view = North


class Easts(Counting, writes=[East]):
    view = East


class Souths(Counting, writes=[South]):
    view = South


class Wests(Counting, writes=[West]):
    view = West


def projections() -> list[ProjectionHandler]:
    """One for each of MODELS."""
    return [Norths(), Easts(), Souths(), Wests()]


async def main(url: str) -> None:
    async with CQRSManager(url, projections=projections(), run_projections=False) as cqrs:

        async def run(asked: int) -> None:
            if asked:
                await cqrs.synchronizer.start()
                await cqrs.synchronizer.caught_up(timeout=600)
            else:
                await cqrs.synchronizer.stop()

        await serve_async("headwater", run)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
