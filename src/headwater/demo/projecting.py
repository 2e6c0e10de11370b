"""Projecting: an application's projections, run until they have seen everything."""

from __future__ import annotations

from typing import Final

from headwater import ConsistencyTimeout, CQRSManager, ReadModelSynchronizer
from headwater.demo.watching import Watch
from headwater.errors import ProjectionError

__all__ = ["project"]

_LOOK_SECONDS: Final = 0.5


async def project(cqrs: CQRSManager, watch: Watch) -> None:
    """Run the projections until they have seen everything. Raises ProjectionError for one that cannot."""
    watch.begin("projections", sum(one.head for one in await cqrs.synchronizer.status()))
    await cqrs.synchronizer.start()
    try:
        while not await _caught_up(cqrs.synchronizer):
            watch.reached(sum(one.offset for one in await cqrs.synchronizer.status()))
    finally:
        await cqrs.synchronizer.stop()


async def _caught_up(synchronizer: ReadModelSynchronizer) -> bool:
    """After a moment: whether every projection has seen everything. Raises ProjectionError if that cannot be."""
    try:
        await synchronizer.caught_up(timeout=_LOOK_SECONDS)
        done = True
    except ConsistencyTimeout:
        done = False
    for one in await synchronizer.status():
        if one.failed:
            raise ProjectionError(f"{one.projection!r} gave up: {one.failed}")
        if one.parked:
            first = (await synchronizer.dead_letters.list(one.projection))[0]
            raise ProjectionError(f"{one.projection!r} has parked {one.parked} events, the first for {first.error}")
    return done
