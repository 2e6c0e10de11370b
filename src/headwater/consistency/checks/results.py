"""CheckResults: what checks have shown, kept in the journal."""

from __future__ import annotations

from typing import Final

import msgspec

from headwater.consistency.checks.check import CheckResult
from headwater.ports.journal import Journal
from headwater.projections.audit import Audit

__all__ = ["CheckResults"]

_DETAILS: Final = 8_000
"""Characters the journal keeps of an entry."""
_QUIET_MICROS: Final = 3_600_000_000

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(CheckResult).decode


class CheckResults:
    """Results under the action `check.<name>`, the whole of each as JSON in its entry's details."""

    def __init__(self, journal: Journal, audit: Audit) -> None:
        self._journal = journal
        self._audit = audit

    async def last(self, name: str) -> CheckResult | None:
        """The newest result that is kept; None before the first, or where another release wrote it otherwise."""
        entries = await self._journal.entries(action=f"check.{name}", limit=1)
        try:
            return _decode(entries[0].details) if entries else None
        except msgspec.DecodeError:
            return None

    async def keep(self, result: CheckResult) -> None:
        """Note a result."""
        await self._audit.note(f"check.{result.name}", result.name, "", _details(result), result.outcome)

    async def keep_news(self, result: CheckResult, last: CheckResult | None) -> None:
        """Note a result that differs from the last one kept, or comes an hour after it: others would drown the rest."""
        if last is None or _gist(result) != _gist(last) or result.at - last.at >= _QUIET_MICROS:
            await self.keep(result)


def _gist(result: CheckResult) -> tuple[object, ...]:
    return result.outcome, result.repair, result.since, result.error


def _details(result: CheckResult) -> str:
    """The result as JSON that the journal does not cut."""
    kept = msgspec.structs.replace(result, error=result.error[:1_000])
    while len(text := _encode(kept).decode()) > _DETAILS:
        if kept.inconsistencies:
            kept = msgspec.structs.replace(kept, inconsistencies=kept.inconsistencies[: len(kept.inconsistencies) // 2])
        else:
            kept = msgspec.structs.replace(kept, passed_over=kept.passed_over[: len(kept.passed_over) // 2], error="")
    return text
