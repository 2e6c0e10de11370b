"""Worker: what one place does with events: decode them, leave out what is not its own, hand them over."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.domain.event import StoredEvent
from headwater.errors import HeadwaterError
from headwater.handling.batch import Batch
from headwater.ports.generations import Generation
from headwater.ports.log import LogFilter
from headwater.ports.parking import ParkedEvent
from headwater.ports.place import Place
from headwater.projections.decoding import Decoded, Decoder
from headwater.projections.key_range import KeyRange
from headwater.projections.lanes import handle_in_lanes
from headwater.projections.page import Outcome, PageHandler
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.projection import Projection

__all__ = ["Worker"]


class Worker:
    """A projection's handler, for the events and rows of one place."""

    def __init__(
        self,
        projection: Projection,
        generation: Generation,
        place: Place,
        parts: ProjectionParts,
        options: RunnerOptions,
    ) -> None:
        self.projection = projection
        self.decoder = Decoder(parts.registry)
        types = parts.registry.stored_names(projection.events) if projection.events else ()
        self.filter = LogFilter(types=types, hidden=projection.hidden)
        """Which events of the log may concern it."""
        self.range = KeyRange(place.key_range, generation.key_ranges)
        self._pages = PageHandler(projection, options, generation=generation.number)
        self._clock = parts.clock
        is_served = generation.state == "serving"
        self._by_event = parts.by_event
        self._rows = None if is_served else parts.generations.rows(projection.name, place.generation, projection.writes)

    def batch(self) -> Batch:
        """For the changes of one commit, over the rows of the place's generation."""
        projection = self.projection
        commutative = projection.declared.commutative
        return Batch(projection.name, projection.writes, self._rows, commutative=commutative, by_event=self._by_event)

    def wants(self, event: StoredEvent) -> bool:
        """False for an event the projection does not want to see at all."""
        wants = self.projection.wants
        return wants is None or wants(event)

    def wanted(self, events: Sequence[StoredEvent]) -> tuple[Sequence[StoredEvent], Sequence[Decoded]]:
        """The events that this place handles, with what they say."""
        if self.projection.wants is not None:
            events = [event for event in events if self.wants(event)]
        decoded = self.decoder.page(events)
        if self.range.is_whole:
            return events, decoded
        mine = [pair for pair in zip(events, decoded, strict=True) if self.owns(*pair)]
        return [stored for stored, _ in mine], [item for _, item in mine]

    def owns(self, stored: StoredEvent, item: Decoded) -> bool:
        """True for an event whose key is in this place's range."""
        return self.range.holds(self._pages.key_of(stored, item))

    async def handle(
        self, events: Sequence[StoredEvent], decoded: Sequence[Decoded], batch: Batch, blocked: set[str]
    ) -> Outcome:
        """Hand events over, their changes joining the batch; see PageHandler."""
        self._pages.now = self._clock.micros()
        batching = self.projection.batching
        if batching is not None and batching.parallelism > 1 and len(events) > 1:
            return await handle_in_lanes(self._pages, events, decoded, batch, blocked, batching.parallelism)
        return await self._pages.handle(events, decoded, batch, blocked)

    def refused(self, stored: StoredEvent, item: Decoded, error: HeadwaterError) -> ParkedEvent:
        """An event whose changes the store takes for wrong, as it is parked."""
        return self._pages.parked_for(stored, self._pages.key_of(stored, item), error, attempts=1)

    def parked_again(self, event: ParkedEvent, stored: StoredEvent, error: Exception) -> ParkedEvent:
        """A parked event whose retry failed."""
        return self._pages.parked_again(event, stored, error)
