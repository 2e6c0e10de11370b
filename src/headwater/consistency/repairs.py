"""Repairs: what is done about inconsistencies, not too often, and never in secret."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from headwater.consistency.checks.check import CheckResult
from headwater.ports.clock import Clock
from headwater.ports.journal import Journal
from headwater.projections.audit import Audit

__all__ = ["Repairs"]

_HOUR: Final = 3_600_000_000
_log = logging.getLogger("headwater.consistency")


class Repairs:
    """Runs repairs: of each check at most `per_hour` within any hour, over all processes.

    The journal is the count: an entry `repair.<name>` of outcome `begun` before the repair, another of `done` or
    `failed` after it. One that has no second entry did not come to its end.
    """

    def __init__(self, journal: Journal, audit: Audit, clock: Clock, per_hour: int) -> None:
        self._journal = journal
        self._audit = audit
        self._clock = clock
        self._per_hour = per_hour

    async def run(self, result: CheckResult, repair: Callable[[CheckResult], Awaitable[object]]) -> str:
        """Do it, unless it was done too often: `done`, or a sentence that says why not."""
        if await self._begun_lately(result.name) >= self._per_hour:
            return f"put off: {self._per_hour} in an hour are enough"
        await self._note(result, "begun", f"{result.found} inconsistencies for {result.lasted:g} s")
        try:
            await repair(result)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            _log.warning("the repair of %s failed: %s", result.name, said)
            await self._note(result, "failed", said)
            return f"failed: {said}"[:1_000]
        await self._note(result, "done")
        return "done"

    async def _begun_lately(self, name: str) -> int:
        entries = await self._journal.entries(action=f"repair.{name}", limit=2 * self._per_hour)
        after = self._clock.micros() - _HOUR
        return sum(entry.outcome == "begun" and entry.at > after for entry in entries)

    async def _note(self, result: CheckResult, outcome: str, details: str = "") -> None:
        await self._audit.note(f"repair.{result.name}", result.name, "", details, outcome)
