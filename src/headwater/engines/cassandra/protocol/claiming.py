"""Claiming: the unique keys that an append takes and gives up.

A key's row says who holds it, and which attempt may be about to change that. No attempt is sent before every key it
changes names it, and none is taken off a key before it is decided: so a key changes hands with the append or not at
all, whoever dies where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headwater.domain.append import UniqueKey
from headwater.engines.cassandra.protocol.core import Core, ask, ask_all
from headwater.engines.cassandra.protocol.outcomes import CertainFailure, KeyTaken
from headwater.engines.cassandra.protocol.place import Place
from headwater.engines.cassandra.protocol.replies import Applied, NotApplied
from headwater.engines.cassandra.protocol.request import Pause
from headwater.engines.cassandra.protocol.requests import (
    ConfirmKey,
    DropReservation,
    FenceChunk,
    ReadKeySerially,
    ReadRowSerially,
    ReserveKey,
)
from headwater.engines.cassandra.protocol.rows import EventRow, KeyRow, LogRow, Reservation
from headwater.engines.cassandra.protocol.shape import Shape

__all__ = ["changed_keys", "confirm", "drop", "holder_of", "reserve"]


def changed_keys(row: EventRow) -> list[tuple[UniqueKey, bool]]:
    """The keys that the append with this first row claims (True) or gives up (False), in the order that all take."""
    if row.first is None:
        return []
    claimed = set(row.first.claims)
    return sorted([(key, key in claimed) for key in claimed | set(row.first.releases)])


def reserve(
    place: Place, first: EventRow, shape: Shape, late: Callable[[], bool]
) -> Core[KeyTaken | CertainFailure | None]:
    """K1 to K3 for every key of an append; None: all of them name it now, and it may be tried."""
    for key, claims in changed_keys(first):
        mine = Reservation(first.attempt, place.stream, place.chunk, place.version, place.fence, claims)
        refused = yield from _reserve(key, mine, shape, late)
        if refused is not None:
            return refused
    return None


def _reserve(
    key: UniqueKey, mine: Reservation, shape: Shape, late: Callable[[], bool]
) -> Core[KeyTaken | CertainFailure | None]:
    # K1 Most keys that are claimed were never held before; whatever else is there, the refusal tells.
    seen = KeyRow() if mine.claims else (yield from ask(ReadKeySerially(key)))
    while True:
        # K2 What is in the way is decided first.
        holder = seen.holder
        pending = seen.reservation
        if pending is not None:
            if pending.attempt == mine.attempt:
                return None  # an unknown answer was applied
            committed = yield from _decided(pending, shape, late)
            if committed is None:
                return CertainFailure("a key is waited for that another append has reserved")
            holder = pending.holder_after if committed else holder
        # K3 On top of that it is taken, or free, or this stream's own.
        if mine.claims and holder not in (None, mine.stream):
            return KeyTaken(key, str(holder))
        if not mine.claims and holder != mine.stream:
            return None  # nothing to give up
        answer = yield from ask(ReserveKey(key, seen, seen.reserved(holder, mine)))
        if isinstance(answer, Applied):
            return None
        if late():
            return CertainFailure("the deadline passed before the keys were reserved")
        seen = answer.row if isinstance(answer, NotApplied) else (yield from ask(ReadKeySerially(key)))


def _decided(pending: Reservation, shape: Shape, late: Callable[[], bool]) -> Core[bool | None]:
    """K2: whether the append that reserved a key is committed, or never will be; None: not known by the deadline."""
    looks = 0
    while not late():
        there = yield from ask(ReadRowSerially(pending.stream, pending.chunk, pending.expected + 1))
        if there.row is not None:
            return there.row.attempt == pending.attempt
        if (there.statics.fence or 0) > (pending.fence or 0):
            return False
        if looks < shape.looks_before_fence:  # it is on its way, most likely
            looks += 1
            yield from ask(Pause())
            continue
        head = None if there.statics.head is None else pending.expected
        fence = FenceChunk(pending.stream, pending.chunk, head, pending.fence)
        if isinstance((yield from ask(fence)), Applied):
            return False
    return None


def drop(first: EventRow) -> Core[None]:
    """K4: take an append that is certain never to commit off its keys, at best effort: who comes next would."""
    yield from ask_all([DropReservation(key, first.attempt) for key, _ in changed_keys(first)])


def confirm(rows: Sequence[LogRow]) -> Core[None]:
    """R6: what is committed takes or frees its keys, at best effort. Only where the key still names that attempt: a
    late one changes nothing that came after."""
    yield from ask_all(
        [
            ConfirmKey(key, entry.row.attempt, entry.stream if claims else None)
            for entry in rows
            for key, claims in changed_keys(entry.row)
        ]
    )


def holder_of(key: UniqueKey) -> Core[str | None]:
    """K5: the stream that holds a key. What is not decided yet has not changed it."""
    seen = yield from ask(ReadKeySerially(key))
    pending = seen.reservation
    if pending is None:
        return seen.holder
    there = yield from ask(ReadRowSerially(pending.stream, pending.chunk, pending.expected + 1))
    committed = there.row is not None and there.row.attempt == pending.attempt
    return pending.holder_after if committed else seen.holder
