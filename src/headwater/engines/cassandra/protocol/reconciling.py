"""Reconciling: finding what the open slots do not show."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.engines.cassandra.protocol.core import Core, ask, ask_all
from headwater.engines.cassandra.protocol.requests import ListSlots, ScanSlot
from headwater.engines.cassandra.protocol.rows import Intent

__all__ = ["scan", "scan_all"]


def scan(part: int, slots: Iterable[int]) -> Core[list[Intent]]:
    """R1: the intents of some slots, the open ones in most rounds."""
    found = yield from ask_all([ScanSlot(part, slot) for slot in sorted(slots)])
    return [intent for intents in found for intent in intents]


def scan_all(part: int) -> Core[list[Intent]]:
    """A: every intent there is, however old its slot.

    An append that may be committed and is not logged has an intent, so this alone finds all of them. A look at the
    streams would not: nobody sees what is decided and on no replica yet.
    """
    return (yield from scan(part, (yield from ask(ListSlots(part)))))
