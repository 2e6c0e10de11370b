"""Hinting: what is known of an append without a look at it, because it was made in this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headwater.engines.cassandra.protocol.deciding import ChunkSeen
from headwater.engines.cassandra.protocol.ownership import Ownership
from headwater.engines.cassandra.protocol.rows import ChunkKey, EventRow, Hint, Intent

__all__ = ["decided_by_hint", "rows_by_hint"]


def rows_by_hint(owner: Ownership, hints: Iterable[Hint]) -> tuple[list[tuple[ChunkKey, EventRow]], set[ChunkKey]]:
    """R2: the rows to be logged that follow on what this owner has logged; and the chunks that must be read.

    Nobody but the owner logs anything while its batches are applied. So of a chunk of which it has logged a version it
    knows that none above is logged; and of a stream whose first append was sent after the takeover, and after it logged
    whatever it has forgotten since, that none is.
    """
    found: dict[ChunkKey, list[EventRow]] = {}
    reached: dict[ChunkKey, int] = {}
    unread = set[ChunkKey]()
    for hint in sorted(hints, key=lambda hint: hint.intent.first_version):
        at = reached.get(hint.chunk, _known(owner, hint.chunk))
        if at is None and hint.intent.expected == 0 and hint.sent_at > owner.since:
            at = 0
        if at is None or at < hint.intent.expected:
            unread.add(hint.chunk)
            continue
        found.setdefault(hint.chunk, []).extend([row for row in hint.rows if row.version > at])
        reached[hint.chunk] = max(at, hint.intent.last_version)
    streams = {stream for stream, _ in unread}  # of which a reader may look at several chunks
    unread |= {key for key in found if key[0] in streams}
    return [(key, row) for key, rows in found.items() if key not in unread for row in rows], unread


def decided_by_hint(owner: Ownership, seen: Mapping[ChunkKey, ChunkSeen], hints: Sequence[Hint]) -> list[Intent]:
    """R5: the intents of appends all of which are logged, as this owner knows or has seen."""
    done = list[Intent]()
    for hint in hints:
        looked_at = seen.get(hint.chunk)
        logged = max(_known(owner, hint.chunk) or 0, 0 if looked_at is None else looked_at.logged)
        if logged >= hint.intent.last_version:
            done.append(hint.intent)
    return done


def _known(owner: Ownership, chunk: ChunkKey) -> int | None:
    known = owner.known.get(chunk)
    return None if known is None else known.version
