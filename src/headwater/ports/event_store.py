"""EventStore: append and load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from headwater.domain.append import Append, Appended
from headwater.domain.event import StoredEvent
from headwater.domain.stream import StreamId

__all__ = ["EventStore", "FoldRows"]


class FoldRows(msgspec.Struct, frozen=True, gc=False):
    """What a fold needs of a stream, and no more."""

    version: int
    """The head of the stream, read in the same consistent state as the rows; 0 if it has no events."""
    rows: Sequence[tuple[str, int, bytes]]
    """Type, schema and data of the visible events after the version asked for, by version."""


class EventStore(Protocol):
    """Streams of events, each versioned 1..n without holes.

    Law:
    - An append is atomic: all its events, claims, releases, command record, changes, or nothing.
    - Exactly one of two appends that expect the same version of a stream wins; the other gets
      WrongExpectedVersion.
    - The command's record is looked at first: the same id and fingerprint returns the first outcome
      (`Appended.replayed`), another fingerprint raises IdempotencyMismatch. A record of a refused command
      is replaced.
    - Releases come before claims. A claim held by another stream raises UniqueKeyTaken; held by the same
      stream it is fine.
    - Event ids are unique in the store: DuplicateEventId.
    - A stream keeps the partition key of its first append: InvalidMessage.
    - Of several reasons to refuse an append the first counts: form and limits, the command's record, each write's
      partition key and version, checks, claims, event ids, changes.
    - Timestamps rise strictly within a stream: max(clock, last of the stream + 1 µs).
    - What was acknowledged survives what the engine's guarantees table says. An await that was cancelled
      may have committed.
    """

    async def append(self, append: Append) -> Appended:
        """Commit one append, or raise. `append.writes` has exactly one write, no checks, no changes.

        Raises WrongExpectedVersion, UniqueKeyTaken, IdempotencyMismatch, DuplicateEventId, StoreError,
        AppendOutcomeUnknown.
        """
        ...

    async def load(self, stream: StreamId, after: int = 0, up_to: int | None = None) -> Sequence[StoredEvent]:
        """Events with `after` < version <= `up_to`, by version, hidden ones included; none for an unknown stream.

        Raises StoreCorrupt if stored bytes do not match their checksum.
        """
        ...

    async def fold_rows(self, stream: StreamId, after: int = 0) -> FoldRows:
        """What folding a stream takes: its head, and the visible events with version > `after`; hidden ones left out.

        Raises StoreCorrupt if stored bytes do not match their checksum.
        """
        ...

    async def head(self, stream: StreamId) -> int:
        """The stream's version; 0 if it has no events."""
        ...

    async def count(self, category: str) -> int:
        """How many streams of a category have events. Cheap."""
        ...
