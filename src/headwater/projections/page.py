"""Page: the events of one transaction, handled in order, the bad ones set aside. No port is touched here."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from headwater.domain.event import StoredEvent
from headwater.errors import StoreError
from headwater.handling.batch import Batch, running_batch
from headwater.ports.parking import ParkedEvent
from headwater.projections.decoding import Decoded
from headwater.projections.outcome import Failure, Outcome, failure_of
from headwater.projections.parts import RunnerOptions
from headwater.projections.projection import Projection
from headwater.projections.retrying import Course
from headwater.projections.setting_aside import SettingAside, Unhandled

__all__ = ["Failure", "Outcome", "PageHandler", "failure_of"]


class PageHandler:
    """Hands events to a projection, with their changes joining one batch.

    An event whose handler raises is tried again, as its error's policy says, then parked under its key or skipped,
    and its changes are taken back. Later events of a blocked key are parked behind it. At an event that cannot be
    passed the outcome ends. A StoreError is no fault of the event: it is raised.
    """

    def __init__(self, projection: Projection, options: RunnerOptions, generation: int = 0, now: int = 0) -> None:
        self._projection = projection
        self._sleep = options.sleep
        self._aside = SettingAside(projection, options, generation, now)

    @property
    def now(self) -> int:
        """Microseconds since 1970, for what is parked."""
        return self._aside.now

    @now.setter
    def now(self, micros: int) -> None:
        self._aside.now = micros

    async def handle(
        self, events: Sequence[StoredEvent], decoded: Sequence[Decoded], batch: Batch, blocked: set[str]
    ) -> Outcome:
        """Handle each event; `blocked` holds the keys that are parked, and gets those parked here.

        Raises StoreError, and HandlerExited for what no handler may raise.
        """
        await self._read_ahead(decoded, batch)
        course = self.course(events, decoded, batch, blocked)
        while (due := await course.go_on()) is not None:
            await self.wait(due)
        outcome = self.outcome(course.unhandled, blocked)
        if outcome.stopped_at is not None:
            course.cut(outcome.stopped_at)
        return outcome

    def course(
        self, events: Sequence[StoredEvent], decoded: Sequence[Decoded], batch: Batch, blocked: Collection[str]
    ) -> Course:
        """The events about to be handled, step by step."""
        return Course(self._projection, self._aside, events, decoded, batch, blocked)

    async def wait(self, due: float) -> None:
        """Until it is so late by the loop's time."""
        await self._sleep(max(0.0, due - asyncio.get_running_loop().time()))

    def outcome(self, unhandled: Sequence[Unhandled], blocked: set[str]) -> Outcome:
        """What becomes of events that were not handled, in the log's order; `blocked` gets the keys parked here."""
        return self._aside.outcome(unhandled, blocked)

    @property
    def at_once(self) -> bool:
        """True if events are handed to one `handle_batch`."""
        return self._projection.handle_batch is not None

    def own_key(self, stored: StoredEvent, item: Decoded) -> str | None:
        """What the projection orders this event by; None where that cannot be told."""
        return self._aside.own_key(stored, item)

    def key_of(self, stored: StoredEvent, item: Decoded) -> str:
        """What the projection orders this event by; the stream where that cannot be told."""
        return self._aside.key_of(stored, item)

    def concerns(self, item: Decoded) -> bool:
        """False for an event the projection passes by."""
        return self._aside.concerns(item)

    def parked_for(self, stored: StoredEvent, key: str, error: Exception, attempts: int) -> ParkedEvent:
        """An event as it is parked with its cause."""
        return self._aside.parked_for(stored, key, error, attempts)

    def parked_again(self, event: ParkedEvent, stored: StoredEvent, error: Exception) -> ParkedEvent:
        """A parked event whose retry failed: it keeps its key and its edited data, and rests for longer."""
        return self._aside.parked_again(event, stored, error)

    async def _read_ahead(self, decoded: Sequence[Decoded], batch: Batch) -> None:
        """Have the projection read what these events need at once, if it can."""
        prepare = self._projection.prepare
        if prepare is None:
            return
        readable = [item if isinstance(item, tuple) else (item,) for item in decoded if not isinstance(item, Exception)]
        token = running_batch.set(batch)
        try:
            await prepare([event for made in readable for event in made])
        except StoreError:
            raise
        except Exception:  # the event it is about will say so itself
            batch.ahead = {}
        finally:
            running_batch.reset(token)
