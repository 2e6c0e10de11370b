"""Runs of the incidents job: as a command line, and with the projections at work while entries are sent."""

from __future__ import annotations

import sys
from pathlib import Path

from headwater import CQRSManager
from headwater.demo.incidents.data import Source
from headwater.demo.incidents.figures import figures
from headwater.demo.incidents.projections import PROJECTIONS
from headwater.demo.sending import Sender, Share
from headwater.demo.stored_lines import StoredLines

__all__ = ["figures_after_rebuilds", "incidents", "live_figures"]


def incidents(file: Path, url: str, *options: str) -> list[str]:
    """The command line: ends with 0 only if its figures equal the truth beside the file."""
    command = [sys.executable, "-m", "headwater.cli", "demo", "incidents", "--data", str(file), "--engine", url]
    return [*command, "--json", "--check", *options]


async def live_figures(cqrs: CQRSManager, source: Source) -> dict[str, object]:
    """Send every entry into an empty store whose projections run, and wait until they have seen it."""
    await Sender(cqrs.commands, source, StoredLines(), Share(), lambda _: None).run(workers=64)
    await cqrs.synchronizer.caught_up(timeout=600)
    return await figures(cqrs)


async def figures_after_rebuilds(cqrs: CQRSManager) -> dict[str, dict[str, object]]:
    """By projection, the figures after it has been rebuilt."""
    found: dict[str, dict[str, object]] = {}
    for projection in PROJECTIONS:
        progress = await cqrs.synchronizer.rebuild_read_model(projection)
        assert progress.done > 0
        found[projection.__name__] = await figures(cqrs)
    return found
