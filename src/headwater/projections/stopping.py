"""Stopping: runners told to end, and waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from headwater.projections.runner import Runner

__all__ = ["stop_all"]

_PATIENCE = 1.0
"""Seconds to wait for runners to end before it is said."""

_log = logging.getLogger("headwater.projections")


async def stop_all(runners: Sequence[Runner], drain: float) -> None:
    """End all after the pages at hand, within `drain` seconds; if this is cancelled, at once. Leases are free then.

    One of them may ask for it itself, as a listener to its errors: it ends when that is done.
    """
    told = {runner.told_to_stop() for runner in runners} - {asyncio.current_task()}
    tasks = [task for task in told if task is not None]
    if not tasks:
        return
    try:
        patience = min(drain, _PATIENCE)
        _, late = await asyncio.wait(tasks, timeout=patience)
        if late and drain > patience:
            names = ", ".join(sorted(task.get_name() for task in late))
            _log.warning("waiting up to %g s for what %s have at hand", drain - patience, names)
            await asyncio.wait(late, timeout=drain - patience)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
