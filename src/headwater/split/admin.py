"""Admin of two stores: each says what is its own, under its name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import msgspec

from headwater.ports.admin import Admin, Finding, StoreInfo

__all__ = ["BothAdmin"]

_LOG: Final = "log"
_VIEWS: Final = "read models"


class BothAdmin:
    """Events and streams are the log's; sizes are added up."""

    def __init__(self, name: str, log: Admin, views: Admin) -> None:
        self._name = name
        self._log = log
        self._views = views
        self.streams = log.streams

    async def info(self) -> StoreInfo:
        log, views = await self._log.info(), await self._views.info()
        about = {"engine": views.engine, "store_id": views.store_id, "format": str(views.format), **views.details}
        return msgspec.structs.replace(
            log,
            engine=self._name,
            size_bytes=log.size_bytes + views.size_bytes,
            details={**_named(_LOG, log.details), **_named(_VIEWS, about)},
        )

    async def verify(self) -> AsyncIterator[Finding | int]:
        """The log, then the other store, which has no events to count."""
        checked = 0
        async for step in self._log.verify():
            if isinstance(step, int):
                checked = step
            yield _of(_LOG, step) if isinstance(step, Finding) else step
        async for step in self._views.verify():
            yield _of(_VIEWS, step) if isinstance(step, Finding) else checked + step

    async def doctor(self) -> Sequence[Finding]:
        log, views = await self._log.doctor(), await self._views.doctor()
        return [_of(_LOG, finding) for finding in log] + [_of(_VIEWS, finding) for finding in views]


def _named(which: str, details: Mapping[str, str]) -> dict[str, str]:
    return {f"{which}: {name}": value for name, value in details.items()}


def _of(which: str, finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, where=f"{which}: {finding.where}" if finding.where else which)
