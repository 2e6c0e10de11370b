"""Finishing: a page that was decided and left half written, handled once more; see `ByEvent`."""

from __future__ import annotations

from headwater.domain.event import StoredEvent
from headwater.errors import CheckpointConflict, HeadwaterError, PageUnfinished, StoreError
from headwater.ports.log import Log
from headwater.ports.projection_store import DecidedPage
from headwater.projections.bookmark import Bookmark
from headwater.projections.worker import Worker

__all__ = ["finish"]


async def finish(log: Log, worker: Worker, bookmark: Bookmark, decided: DecidedPage, page_size: int) -> None:
    """Commit what the page's other events make of the rows, as whoever decided it would have.

    Their effects may be in some rows already, so they are neither parked nor passed: PageUnfinished is raised where
    one fails now. Raises CheckpointConflict, StoreError.
    """
    left_out = frozenset(decided.left_out)
    events = await _events(log, worker, bookmark, decided.next, page_size)
    batch = worker.batch()
    outcome = await worker.handle(
        *worker.wanted([each for each in events if each.offset not in left_out]), batch, set()
    )
    if outcome.stopped_by is not None:
        raise _unfinished(bookmark, decided, outcome.stopped_by)
    if outcome.failures:
        raise _unfinished(bookmark, decided, outcome.failures[0].error)
    try:
        await bookmark.commit(decided.next, batch, finishes=True)
    except (CheckpointConflict, StoreError):
        raise
    except HeadwaterError as error:
        raise _unfinished(bookmark, decided, error) from error


async def _events(log: Log, worker: Worker, bookmark: Bookmark, end: int, page_size: int) -> list[StoredEvent]:
    """Those of the page that concern the projection."""
    found = list[StoredEvent]()
    start = bookmark.offset
    while start < end:
        page = await log.read(bookmark.place.partition, start, page_size, worker.filter)
        found += [event for event in page.events if event.offset < end]
        start = page.next
    return found


def _unfinished(bookmark: Bookmark, decided: DecidedPage, cause: Exception) -> PageUnfinished:
    place = bookmark.place
    error = PageUnfinished(
        f"events {bookmark.offset:,} to {decided.next - 1:,} of partition {place.partition} were handled by "
        f"{place.projection!r} and are half written, and now one fails ({type(cause).__name__}: {cause}): mend the "
        "cause, it is tried again; or rebuild the projection"
    )
    error.__cause__ = cause
    return error
