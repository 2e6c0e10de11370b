"""`headwater run`: the application's projections, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Annotated

import typer

from headwater.cli.exits import ExitCode
from headwater.cli.opening import load_app
from headwater.cli.options import AppOption
from headwater.cli.printing import complain, say
from headwater.cli.verb import verb

__all__ = ["run"]


@verb
async def run(
    app: AppOption = None,
    drain: Annotated[float, typer.Option("--drain", min=0, help="Seconds to finish what is at hand.")] = 15.0,
) -> ExitCode | None:
    """Run projections until SIGTERM or SIGINT: finish, store checkpoints, release leases. A second one: now."""
    cqrs = load_app(app)
    told = _Signals()
    await cqrs.initialize(run_projections=True)
    try:
        names = ", ".join(sorted(cqrs.synchronizer.projections)) or "no projections"
        say(f"running {names}")
        await told.once.wait()
        complain(f"stopping, within {drain:g} s")
        await cqrs.consistency.stop()
        stopping = asyncio.create_task(cqrs.synchronizer.stop(drain))
        again = asyncio.create_task(told.twice.wait())
        await asyncio.wait({stopping, again}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            again.cancel()
            await stopping
            return None
        stopping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stopping
        complain("stopped in the middle")
        return ExitCode.INTERRUPTED
    finally:
        await cqrs.close()


class _Signals:
    """SIGTERM and SIGINT, counted."""

    def __init__(self) -> None:
        self.once = asyncio.Event()
        self.twice = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._told)

    def _told(self) -> None:
        (self.twice if self.once.is_set() else self.once).set()
