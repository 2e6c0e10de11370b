"""Effects: a projection's side effects, after the commit of its rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Sequence
from typing import TypeAlias

from headwater.domain.event import Recorded, StoredEvent
from headwater.errors import HeadwaterError
from headwater.ports.log import LogFilter
from headwater.projections.decoding import Decoded, Decoder
from headwater.projections.page import Outcome
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.projection import Handle, Projection

__all__ = ["Effects"]

Mine: TypeAlias = Callable[[StoredEvent, Decoded], bool]

_PAGE = 100
_log = logging.getLogger("headwater.projections")


class Effects:
    """Runs `@after_commit` methods in the log's order, and knows how far they are.

    The mark is stored at once after a page, so that a process that dies leaves at most one page whose effects run
    again. One that raises is tried again like an event, then logged: its rows are committed, there is nothing to park.
    """

    def __init__(
        self, projection: Projection, parts: ProjectionParts, decoder: Decoder, options: RunnerOptions
    ) -> None:
        self.done = 0
        """Effects of events below this offset have run."""
        self._projection = projection
        self._parts = parts
        self._decoder = decoder
        self._options = options

    async def run(self, events: Sequence[StoredEvent], decoded: Sequence[Decoded], next: int, outcome: Outcome) -> None:
        """Those of a page that was committed up to `next`, but for events that were parked or skipped."""
        left_out = outcome.left_out
        for stored, item in zip(events, decoded, strict=True):
            if self.done <= stored.offset < next and stored.offset not in left_out:
                await self.run_one(item)
                self.done = stored.offset + 1
        self.done = max(self.done, next)

    async def run_missed(self, partition: int, start: int, end: int, mine: Mine, parked: Container[int]) -> None:
        """Those of committed events from `start` on and below `end`: of a process that died before it came to them."""
        types = self._parts.registry.stored_names([*self._projection.effects])
        only = LogFilter(types=types, hidden=self._projection.hidden)
        self.done = start
        while self.done < end:
            page = await self._parts.log.read(partition, self.done, _PAGE, only)
            for stored, item in zip(page.events, self._decoder.page(page.events), strict=True):
                if stored.offset < end and stored.offset not in parked and mine(stored, item):
                    await self.run_one(item)
                    self.done = stored.offset + 1
            self.done = min(page.next, end)

    async def run_one(self, item: Decoded) -> None:
        """Those of one event."""
        if isinstance(item, HeadwaterError):
            return
        for event in item if isinstance(item, tuple) else (item,):
            effect = self._projection.effects.get(type(event.data))
            if effect is not None:
                await self._tried(effect, event)

    async def _tried(self, effect: Handle, event: Recorded[object]) -> None:
        for attempt in range(self._options.retries + 1):
            try:
                await effect(event)
            except Exception:
                if attempt == self._options.retries:
                    _log.exception("a side effect of %r failed at %s", self._projection.name, event.position)
                    return
                await self._options.sleep(self._options.retry_delay * 2**attempt)
            else:
                return
