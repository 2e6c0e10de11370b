"""Sequencing: one round of the owner of a partition, which copies what streams have committed into the log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from headwater.engines.cassandra.protocol.claiming import confirm
from headwater.engines.cassandra.protocol.collecting import collect
from headwater.engines.cassandra.protocol.core import Core, ask, ask_all
from headwater.engines.cassandra.protocol.deciding import ChunkSeen, Verdict, decide, verdict_of_row
from headwater.engines.cassandra.protocol.hinting import decided_by_hint, rows_by_hint
from headwater.engines.cassandra.protocol.ownership import Known, LogHead, Ownership
from headwater.engines.cassandra.protocol.replies import Applied
from headwater.engines.cassandra.protocol.requests import (
    AppendLog,
    DeleteIntents,
    FenceChunk,
    ReadRows,
    ReadRowSerially,
)
from headwater.engines.cassandra.protocol.rows import ChunkKey, EventRow, Hint, Intent, LogRow
from headwater.engines.cassandra.protocol.settling import settle
from headwater.engines.cassandra.protocol.shape import Shape

__all__ = ["Collected", "Round", "work_round"]

Collected: TypeAlias = Sequence[tuple[ChunkKey, EventRow]]
"""Rows that the log does not have, those of each stream in their order."""


class Round(msgspec.Struct, frozen=True):
    """What a round has come to."""

    lost: bool
    """The log may have gone on without this owner: take over anew, and forget the ownership."""
    logged: Sequence[LogRow] = ()
    decided: Sequence[Intent] = ()
    """The intents that were deleted."""


def work_round(
    owner: Ownership,
    intents: Sequence[Intent] | None,
    hints: Sequence[Hint],
    shape: Shape,
    now: float,
    lazy: bool,
    order: Callable[[Collected], Collected] | None = None,
    chunks: Collection[ChunkKey] = (),
) -> Core[Round]:
    """R2 to R6 for the intents of a scan that began after the takeover, and for appends that were hinted at.

    Args:
        intents: None: there was no scan, so none is given up waiting for, and none decided but those hinted at.
        now: seconds, of the clock of `owner.waiting_since`.
        lazy: leave it to the caller to settle what is logged, before long.
        chunks: to be looked at beside those of the intents.
        order: which rows go first, or stay for another round; each stream's in their order, and without a hole.
    """
    known, unread = rows_by_hint(owner, hints) if intents is None else ([], {hint.chunk for hint in hints})
    named = {(intent.stream, intent.chunk) for intent in intents or ()}
    seen, rows = yield from collect(named | unread | set(chunks), owner.memory, owner.last_stream, shape)
    batch = _next_batch(owner, [*known, *rows], shape, order)
    if batch:
        # R3 One compare-and-set of the head of the log.
        first = batch[0].offset
        bucket = shape.bucket_of(first)
        expected = None if first == shape.bucket_start(bucket) else owner.head.offset
        answer = yield from ask(AppendLog(owner.part, bucket, expected, batch))
        if not isinstance(answer, Applied):
            return Round(lost=True)  # whatever it was: take over
        # R4 Remember it, and settle it now or later.
        _advance(owner, batch, seen, shape.chunks_known)
        if not lazy:
            yield from settle(owner)
        # R6 What it claims and gives up is confirmed.
        yield from confirm(batch)
    # R5 Intents that are decided go.
    if intents is None:
        done = decided_by_hint(owner, seen, hints)
    else:
        done = yield from _decided(owner, intents, seen, shape, now)
    yield from _delete(done, shape)
    return Round(lost=False, logged=batch, decided=done)


def _next_batch(
    owner: Ownership, rows: Collected, shape: Shape, order: Callable[[Collected], Collected] | None
) -> tuple[LogRow, ...]:
    """R3: what the log is given next, in the order asked for, else by time."""
    chosen = _chosen(owner.head, rows if order is None else order(rows), shape)
    if chosen:
        owner.last_stream = chosen[-1][0][0]
    return tuple(_batch(owner.head, sorted(chosen, key=_time) if order is None else chosen))


def _chosen(head: LogHead, rows: Iterable[tuple[ChunkKey, EventRow]], shape: Shape) -> Collected:
    """R3: the first of these rows, up to the end of a bucket or of what a batch holds."""
    chosen, size = list[tuple[ChunkKey, EventRow]](), 0
    end = shape.bucket_start(shape.bucket_of(head.offset + 1) + 1)
    limit = min(shape.events_per_log_batch, end - head.offset - 1)
    for key, row in rows:
        size += len(row.event.data) + len(row.context)
        if len(chosen) == limit or (size > shape.bytes_per_log_batch and chosen):
            break
        chosen.append((key, row))
    return chosen


def _time(collected: tuple[ChunkKey, EventRow]) -> int:
    """What happened first lies first, if clocks agree; within a stream times rise."""
    return collected[1].time


def _batch(head: LogHead, rows: Iterable[tuple[ChunkKey, EventRow]]) -> Iterator[LogRow]:
    """R3: rows of the log behind its head."""
    offset, time = head.offset, head.log_time
    for (stream, chunk), row in rows:
        offset, time = offset + 1, max(row.time, time + 1)
        yield LogRow(offset, time, stream, chunk, row)


def _advance(owner: Ownership, batch: Sequence[LogRow], seen: Mapping[ChunkKey, ChunkSeen], most: int) -> None:
    now = owner.clock()
    owner.head = LogHead(batch[-1].offset, batch[-1].log_time)
    owner.owed += [row.logged for row in batch]
    for row in batch:
        key, version = (row.stream, row.chunk), row.row.version
        owner.memory[key] = version
        owner.known.pop(key, None)
        owner.known[key] = Known(version, now)
        if key in seen:
            seen[key].logged = version
    while len(owner.known) > most:
        forgotten = owner.known.pop(next(iter(owner.known)))
        owner.since = max(owner.since, forgotten.at)


def _decided(
    owner: Ownership, intents: Sequence[Intent], seen: dict[ChunkKey, ChunkSeen], shape: Shape, now: float
) -> Core[list[Intent]]:
    """R5: the intents of this round that are decided, those that were fenced just now included."""
    done, pending = list[Intent](), dict[bytes, float]()
    for intent in intents:
        chunk = seen[intent.stream, intent.chunk]
        verdict = decide(intent, chunk)
        if verdict is Verdict.FIRST_ROW:
            verdict = yield from _of_first_row(intent, chunk)
        elif verdict is Verdict.HIDDEN:
            yield from ask(ReadRowSerially(intent.stream, intent.chunk, intent.first_version))
        elif verdict is Verdict.PENDING:
            since = pending[intent.attempt] = owner.waiting_since.get(intent.attempt, now)
            if now - since >= shape.patience and (yield from _fenced(intent, chunk)):
                verdict = Verdict.DONE
        if verdict is Verdict.DONE:
            done.append(intent)
    owner.waiting_since = pending
    gone = {intent.attempt for intent in done}
    owner.pending_slots = frozenset(intent.slot for intent in intents if intent.attempt not in gone)
    return done


def _of_first_row(intent: Intent, seen: ChunkSeen) -> Core[Verdict]:
    version = intent.first_version
    row = (seen.rows or {}).get(version)
    if row is None:
        rows = yield from ask(ReadRows(intent.stream, intent.chunk, version, 1))
        row = next((row for row in rows if row.version == version), None)
    return verdict_of_row(intent, row)


def _fenced(intent: Intent, seen: ChunkSeen) -> Core[bool]:
    """Whether an append that has been pending for too long is now certain never to commit.

    Refused or unknown decides nothing, but has completed what was half done: the next round sees it.
    """
    head = None if seen.statics.head is None else intent.expected
    answer = yield from ask(FenceChunk(intent.stream, intent.chunk, head, intent.fence))
    return isinstance(answer, Applied)


def _delete(intents: Sequence[Intent], shape: Shape) -> Core[None]:
    slots: dict[tuple[int, int], list[bytes]] = {}
    for intent in intents:
        slots.setdefault((intent.part, intent.slot), []).append(intent.attempt)
    yield from ask_all(
        [
            DeleteIntents(shape.intent_deleted_at(slot), part, slot, tuple(attempts))
            for (part, slot), attempts in slots.items()
        ]
    )
