"""CheckRun: one check looked at, with patience for projections that are behind."""

from __future__ import annotations

import logging

import msgspec

from headwater.consistency.checks.bound import BoundCheck
from headwater.consistency.checks.check import CheckResult, Inconsistency, Part
from headwater.consistency.checks.lag import Lag, is_behind
from headwater.projections.parts import ProjectionParts
from headwater.projections.reaching import Deadline

__all__ = ["CheckRun"]

_SHOWN = 20
"""Inconsistencies that are kept; all are counted."""
_log = logging.getLogger("headwater.consistency")


class CheckRun:
    """Looks at checks, one part or all of them. `window` is how many seconds projections may be behind."""

    def __init__(self, parts: ProjectionParts, window: float) -> None:
        self._parts = parts
        self._lag = Lag(parts)
        self._clock = parts.clock
        self._window = window

    async def one_part(self, check: BoundCheck, cursor: str) -> CheckResult:
        """The part at the cursor. Its result says where to go on: here, if something is wrong."""
        summary = _Summary(check.name, cursor)
        try:
            part, is_late = await self._settled(check, cursor)
        except Exception as error:
            return summary.failed(error, self._clock.micros())
        summary.add(part, cursor, is_late)
        return summary.result(self._clock.micros(), goes_on=part.next or "")

    async def whole(self, check: BoundCheck) -> CheckResult:
        """Every part, one after the other."""
        summary = _Summary(check.name, "")
        cursor: str | None = ""
        while cursor is not None:
            try:
                part, is_late = await self._settled(check, cursor)
            except Exception as error:
                return summary.failed(error, self._clock.micros())
            summary.add(part, cursor, is_late)
            cursor = part.next
        return summary.result(self._clock.micros(), goes_on="")

    async def _settled(self, check: BoundCheck, cursor: str) -> tuple[Part, bool]:
        """What the check shows once lag is no excuse; and whether its projections were behind to the last.

        Something wrong is looked at again when they have passed the head of the log as of the look, as often as
        there is time, and at least once.
        """
        deadline: Deadline | None = None
        while True:
            stood = await self._lag.passed(check.projections) if check.projections else ()
            part = await check.look(cursor)
            if not part.found or not check.projections:
                return part, False
            heads = await self._lag.heads()
            if not is_behind(stood, heads):
                return part, False
            if deadline is not None and deadline.seconds_left <= 0:
                return part, True
            deadline = deadline or Deadline(self._parts, self._window)
            if not await self._lag.reached(check.projections, heads, deadline):
                return part, True


class _Summary:
    """Parts, added up."""

    def __init__(self, name: str, cursor: str) -> None:
        self._total = CheckResult(name=name, outcome="ok", at=0, cursor=cursor)

    def add(self, part: Part, cursor: str, is_late: bool) -> None:
        """One more; the cursor of the first that is inconsistent is the one to go on from."""
        total = self._total
        room = _SHOWN - len(total.inconsistencies)
        shown: list[Inconsistency] = [*total.inconsistencies, *part.found[:room]]
        self._total = msgspec.structs.replace(
            total,
            outcome="inconsistent" if part.found else total.outcome,
            cursor=cursor if part.found and not total.found else total.cursor,
            found=total.found + len(part.found),
            inconsistencies=shown,
            looked_at=total.looked_at + part.looked_at,
            behind=total.behind or is_late,
            passed_over=list(dict.fromkeys((*total.passed_over, *part.passed_over)))[:_SHOWN],
        )

    def result(self, now: int, goes_on: str) -> CheckResult:
        cursor = self._total.cursor if self._total.found else goes_on
        return msgspec.structs.replace(self._total, at=now, cursor=cursor)

    def failed(self, error: Exception, now: int) -> CheckResult:
        said = f"{type(error).__name__}: {error}"
        _log.warning("the consistency check %s failed: %s", self._total.name, said)
        return msgspec.structs.replace(self._total, outcome="failed", at=now, error=said)
