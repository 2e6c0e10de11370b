"""Lanes: the keys of one page handled side by side, each key in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headwater.domain.event import StoredEvent
from headwater.errors import HeadwaterError
from headwater.handling.batch import Batch
from headwater.models.changes import Accumulate
from headwater.models.model import ReadModel
from headwater.projections.decoding import Decoded
from headwater.projections.page import Outcome, PageHandler

__all__ = ["handle_in_lanes"]

Lane = tuple[list[StoredEvent], list[Decoded]]


async def handle_in_lanes(
    pages: PageHandler,
    events: Sequence[StoredEvent],
    decoded: Sequence[Decoded],
    batch: Batch,
    blocked: set[str],
    width: int,
) -> Outcome:
    """Handle a page in at most `width` lanes, each with a batch of its own, joined lane by lane.

    Two lanes that wrote the same row, other than by accumulating, may have missed each other's change: then
    nothing of them is kept and the page is handled in the log's order.
    """
    if any(isinstance(item, HeadwaterError) for item in decoded):
        return await pages.handle(events, decoded, batch, blocked)  # it blocks its stream, whatever the lane
    lanes = _lanes(pages, events, decoded, width)
    batches = [Batch(batch.projection, batch.writes) for _ in lanes]
    blocked_in_lanes = set(blocked)
    outcomes = await _all(pages, lanes, batches, blocked_in_lanes)
    if _overlap(batches):
        return await pages.handle(events, decoded, batch, blocked)
    blocked |= blocked_in_lanes
    for lane_batch in batches:
        batch.changes.extend(lane_batch.changes)
    return Outcome(
        parked=sorted((event for outcome in outcomes for event in outcome.parked), key=lambda event: event.offset),
        failures=[failure for outcome in outcomes for failure in outcome.failures],
    )


async def _all(pages: PageHandler, lanes: list[Lane], batches: list[Batch], blocked: set[str]) -> list[Outcome]:
    """Every lane to its end; the first error of one stops the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(pages.handle(events, decoded, batch, blocked))
                for (events, decoded), batch in zip(lanes, batches, strict=True)
            ]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


def _lanes(pages: PageHandler, events: Sequence[StoredEvent], decoded: Sequence[Decoded], width: int) -> list[Lane]:
    """Keys dealt to lanes in the order they appear."""
    lane_of: dict[str, int] = {}
    lanes: list[Lane] = [([], []) for _ in range(width)]
    for stored, item in zip(events, decoded, strict=True):
        number = lane_of.setdefault(pages.key_of(stored, item), len(lane_of) % width)
        lanes[number][0].append(stored)
        lanes[number][1].append(item)
    return [lane for lane in lanes if lane[0]]


def _overlap(batches: Sequence[Batch]) -> bool:
    """True if two batches change one row and the changes do not commute."""
    owners: dict[tuple[type[ReadModel], object], tuple[int, bool]] = {}
    for number, batch in enumerate(batches):
        for change in batch.changes:
            commutes = isinstance(change, Accumulate)
            place = change.model, change.key
            owner, commuted = owners.get(place, (number, True))
            if owner != number and not (commutes and commuted):
                return True
            owners[place] = owner, commuted and commutes
    return False
