"""LogReader: the log of an application, for whoever wants events rather than rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from headwater.domain.event import Recorded
from headwater.domain.registry import Registry
from headwater.ports.log import Log
from headwater.ports.wakeups import Wakeups
from headwater.projections.subscription import After, EventTypes, log_filter, read_log, replay, subscribe

__all__ = ["LogReader"]


class LogReader:
    """Reads, follows and replays events, decoded; integration events are left out."""

    def __init__(self, log: Log, wakeups: Wakeups, registry: Registry) -> None:
        self.registry = registry
        self._log = log
        self._wakeups = wakeups

    def read_log(
        self,
        *,
        types: EventTypes = (),
        category: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        stream: str | None = None,
        metadata: Mapping[str, str] | None = None,
        after: After = "start",
        limit: int | None = None,
    ) -> AsyncIterator[Recorded[object]]:
        """The matching events that are in the log now, by time; `since` inclusive, `until` not."""
        only = log_filter(
            self.registry, types=types, category=category, since=since, until=until, stream=stream, metadata=metadata
        )
        return read_log(self._log, self.registry, only, after=after, limit=limit)

    def subscribe(
        self, *, types: EventTypes = (), category: str | None = None, stream: str | None = None, after: After = "start"
    ) -> AsyncIterator[Recorded[object]]:
        """Matching events as they are committed, without end; keep `event.position` to go on from there."""
        only = log_filter(self.registry, types=types, category=category, stream=stream)
        return subscribe(self._log, self.registry, self._wakeups, only, after=after)

    def replay(
        self,
        *,
        speed: float | None = None,
        types: EventTypes = (),
        category: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: After = "start",
    ) -> AsyncIterator[Recorded[object]]:
        """Past events at their old pace times `speed`; None: as fast as they can be read."""
        only = log_filter(self.registry, types=types, category=category, since=since, until=until)
        return replay(read_log(self._log, self.registry, only, after=after), speed)
