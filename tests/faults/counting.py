"""Counting: the rows of a counting projection beside the events of the log."""

from __future__ import annotations

from collections import Counter

from headwater import CQRSManager
from tests.faults.history import Findings
from tests.faults.marks import MarkCount

__all__ = ["miscounts"]


async def miscounts(cqrs: CQRSManager, uncounted: Counter[str] | None = None) -> tuple[int, Findings]:
    """How many events there are, and every stream whose row counts other than all of them but the uncounted."""
    events: Counter[str] = Counter()
    async for event in cqrs.read_log():
        events[event.stream] += 1
    rows = {row.stream: row.events for row in await cqrs.read_models.find(MarkCount)}
    found = Findings()
    for stream in events.keys() | rows.keys():
        effects, wanted = rows.get(stream, 0), events[stream] - (uncounted or Counter())[stream]
        text = f"{stream} has {wanted} events to count and {effects} effects"
        if effects > wanted:
            found.duplicated.append(text)
        elif effects < wanted:
            found.lost.append(text)
    return events.total(), found
