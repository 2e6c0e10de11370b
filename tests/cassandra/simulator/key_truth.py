"""Key truth: who holds each unique key, as the committed appends say."""

from __future__ import annotations

from collections.abc import Callable

from headwater.domain.append import UniqueKey
from headwater.engines.cassandra.protocol.claiming import changed_keys
from headwater.engines.cassandra.protocol.outcomes import KeyTaken
from headwater.engines.cassandra.protocol.rows import EventRow
from tests.cassandra.simulator.violation import Violation

__all__ = ["KeyTruth"]


class KeyTruth:
    """Sees every append at the instant it is decided."""

    def __init__(self, names: Callable[[UniqueKey, bytes], bool]) -> None:
        self._names = names
        """Whether a key is reserved by an attempt."""
        self._holders: dict[UniqueKey, list[str | None]] = {}
        self.changes = 0

    def appended(self, stream: str, first: EventRow) -> None:
        """The first row of an append is decided."""
        for key, claims in changed_keys(first):
            holders = self._holders.setdefault(key, [None])
            if not claims and holders[-1] != stream:
                continue
            if claims and holders[-1] not in (None, stream):
                raise Violation("I9 a key has two holders")
            if not self._names(key, first.attempt):
                raise Violation("I9 an append is committed whose key does not name it")
            holders.append(stream if claims else None)
            self.changes += 1

    def holder(self, key: UniqueKey) -> str | None:
        return self._holders.get(key, [None])[-1]

    def mark(self) -> dict[UniqueKey, int]:
        """Now: what is said from here on may be of any time since."""
        return {key: len(holders) - 1 for key, holders in self._holders.items()}

    def told_holder(self, key: UniqueKey, holder: str | None, since: dict[UniqueKey, int]) -> None:
        """Somebody who asked was told who holds a key."""
        if holder not in self._holders.get(key, [None])[since.get(key, 0) :]:
            raise Violation("I10 a key is said to be held as it was not")

    def told_taken(self, stream: str, outcome: KeyTaken, since: dict[UniqueKey, int]) -> None:
        """An append of a stream was refused."""
        if outcome.holder == stream:
            raise Violation("I10 a stream is refused its own key")
        self.told_holder(outcome.key, outcome.holder, since)
