"""Appending: the events of one append to one stream, with a truthful outcome."""

from __future__ import annotations

from collections.abc import Callable

from headwater.engines.cassandra.protocol.claiming import drop, reserve
from headwater.engines.cassandra.protocol.core import Core, ask
from headwater.engines.cassandra.protocol.outcomes import (
    CertainFailure,
    Committed,
    Conflict,
    KeyTaken,
    Outcome,
    OutcomeUnknown,
)
from headwater.engines.cassandra.protocol.place import Place
from headwater.engines.cassandra.protocol.replies import Applied, Failed, NotApplied
from headwater.engines.cassandra.protocol.requests import (
    AppendEvents,
    DeleteIntents,
    FenceChunk,
    InsertIntent,
    ReadRowSerially,
)
from headwater.engines.cassandra.protocol.rows import EventRow, Intent, Statics
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.errors import StoreUnavailable

__all__ = ["append", "intent_of"]

INTENT_TRIES = 3


def intent_of(place: Place, rows: tuple[EventRow, ...], slot: int) -> Intent:
    """What is said of an append before it is tried."""
    first = rows[0]
    return Intent(
        part=place.part,
        slot=slot,
        attempt=first.attempt,
        stream=place.stream,
        chunk=place.chunk,
        first_version=first.version,
        count=len(rows),
        fence=place.fence,
    )


def append(
    place: Place, rows: tuple[EventRow, ...], slot: int, shape: Shape, late: Callable[[], bool]
) -> Core[Outcome]:
    """Append rows whose attempt was never used before.

    Args:
        place: as it was located, or as an append before left it.
        rows: at most `shape.events_per_append`, with versions from `place.version + 1` on.
        slot: of the time of the attempt.
        late: whether the append's deadline has passed.
    """
    intent = intent_of(place, rows, slot)
    # 1.2 No append before its intent is acknowledged.
    if not (yield from _announce(intent, shape)):
        outcome: Outcome = CertainFailure("the intent was not acknowledged, so the append was not tried")
    # K   Nor before its keys name it.
    elif (refused := (yield from _reserve(place, rows[0], shape, late))) is not None:
        outcome = refused
    # 1.3, 1.4
    else:
        outcome = yield from _try(place, rows, shape, late)
    # 1.5 Only what certainly is not there needs no sequencer to look for it.
    if not isinstance(outcome, Committed | OutcomeUnknown):
        yield from ask(DeleteIntents(shape.intent_deleted_at(slot), place.part, slot, (intent.attempt,)))
        yield from drop(rows[0])
    return outcome


def _reserve(
    place: Place, first: EventRow, shape: Shape, late: Callable[[], bool]
) -> Core[KeyTaken | CertainFailure | None]:
    try:
        return (yield from reserve(place, first, shape, late))
    except StoreUnavailable:
        return CertainFailure("a key could not be looked at, so the append was not tried")


def _try(place: Place, rows: tuple[EventRow, ...], shape: Shape, late: Callable[[], bool]) -> Core[Outcome]:
    # 1.3 One compare-and-set of head and fence.
    write = AppendEvents(place.stream, place.chunk, place.head, place.fence, rows, place.partition_key)
    answer = yield from ask(write)
    # 1.4 What the first answer leaves open is resolved.
    match answer:
        case Applied():
            return Committed()
        case NotApplied(row=statics):
            return _refused(place, statics)
        case Failed():
            return CertainFailure("the append was not taken up")
        case _:
            return (yield from _resolve(place, write, shape, late))


def _announce(intent: Intent, shape: Shape) -> Core[bool]:
    """Whether the intent is acknowledged; the statement that is repeated is the same to the last bit."""
    for _ in range(INTENT_TRIES):
        if (yield from ask(InsertIntent(shape.intent_written_at(intent.slot), intent))):
            return True
    return False


def _refused(place: Place, statics: Statics) -> Conflict | CertainFailure:
    if statics.head == place.head:
        return CertainFailure("the append was fenced: somebody took it for dead")
    return Conflict(statics.head)


def _resolve(place: Place, write: AppendEvents, shape: Shape, late: Callable[[], bool]) -> Core[Outcome]:
    """1.4 after an unknown answer: from now on not applied may mean that it was applied before."""
    fences = 0
    while True:
        try:
            seen = yield from ask(ReadRowSerially(place.stream, place.chunk, place.version + 1))
        except StoreUnavailable:
            if late():
                return OutcomeUnknown()  # d.
            continue
        if seen.row is not None:  # a.
            return Committed() if seen.row.attempt == write.rows[0].attempt else Conflict(seen.statics.head)
        if (seen.statics.fence or 0) > (place.fence or 0):  # b.
            return CertainFailure("the append was fenced: somebody took it for dead")
        if not late():  # c. the same again,
            if isinstance((yield from ask(write)), Applied):
                return Committed()
        elif fences < shape.self_fences:  # or never more.
            fences += 1
            if isinstance((yield from ask(_fence(place))), Applied):
                return CertainFailure("the deadline passed, and the append was fenced")
        else:
            return OutcomeUnknown()  # d.


def _fence(place: Place) -> FenceChunk:
    return FenceChunk(place.stream, place.chunk, place.head, place.fence)
