"""Under way: appends of this process whose outcome is awaited here, so that no sequencer need look for it."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager

from headwater.engines.cassandra.protocol.rows import Intent

__all__ = ["UnderWay"]


class UnderWay:
    """Those of one engine object. An intent of one of them says nothing yet; it counts again once its append has ended
    without an outcome, and the slots of such are to be scanned once more, however old they are."""

    def __init__(self) -> None:
        self._attempts = set[bytes]()
        self._in_doubt = dict[int, set[int]]()

    @contextmanager
    def trying(self, intent: Intent) -> Generator[None]:
        """While an append is tried; it is in doubt where this ends with an error, or is told so."""
        self._attempts.add(intent.attempt)
        try:
            yield
        except BaseException:
            self.doubt(intent)
            raise
        finally:
            self._attempts.discard(intent.attempt)

    def doubt(self, intent: Intent) -> None:
        """Nobody here awaits its outcome any more."""
        self._in_doubt.setdefault(intent.part, set()).add(intent.slot)

    def others(self, intents: Iterable[Intent]) -> list[Intent]:
        """Those that are not of an append under way."""
        return [intent for intent in intents if intent.attempt not in self._attempts]

    def take_doubtful(self, part: int) -> set[int]:
        """Slots of a partition with something in doubt since the last time."""
        return self._in_doubt.pop(part, set())
