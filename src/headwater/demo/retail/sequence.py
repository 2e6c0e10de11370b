"""Sequence: figures that depend on the order of the input, folded over the stored events sorted by line."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from headwater.demo.retail.events import LineEvent

__all__ = ["Resequencer", "SequenceFold"]


class Resequencer:
    """Hands out events by line. Holds back what came early, so memory grows with the disorder, not with the log."""

    def __init__(self) -> None:
        self._next = 1
        self._arrived = 0
        self._early: list[tuple[int, int, LineEvent]] = []

    def push(self, event: LineEvent) -> Iterator[LineEvent]:
        """The events that are next in line now."""
        self._arrived += 1
        heapq.heappush(self._early, (event.line, self._arrived, event))
        while self._early and self._early[0][0] <= self._next:
            line, _, event = heapq.heappop(self._early)
            self._next = line + 1
            yield event

    def rest(self) -> Iterator[LineEvent]:
        """What waited for a line that never came, by line."""
        while self._early:
            yield heapq.heappop(self._early)[2]


class SequenceFold:
    """Sees events by line. `moments` are the counts of events after which it notes how things stand."""

    def __init__(self, moments: Iterable[int] = ()) -> None:
        self._moments = frozenset(moments)
        self._seen = 0
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._time_ordered = True
        self._on_hand: Counter[str] = Counter()
        self._deepest: Counter[str] = Counter()
        self._digest = hashlib.sha256()
        self._types: Counter[str] = Counter()
        self._invoices: Counter[str] = Counter()
        self._amount = Decimal(0)
        self._notes: list[dict[str, object]] = []

    def see(self, event: LineEvent) -> None:
        """The next event by line."""
        kind = type(event).__name__
        self._see_time(event.invoice_date)
        on_hand = self._on_hand[event.stock_code] = self._on_hand[event.stock_code] - event.quantity
        self._deepest[event.stock_code] = min(self._deepest[event.stock_code], on_hand)
        fields = (event.line, event.invoice, event.stock_code, kind, event.quantity, event.unit_price)
        self._digest.update(f"{'|'.join(map(str, fields))}\n".encode())
        self._types[kind] += 1
        self._invoices[event.invoice] += 1
        self._amount += event.amount
        self._seen += 1
        if self._seen in self._moments:
            self._notes.append(self._note())

    def figures(self) -> dict[str, object]:
        """The figures of everything seen so far, named as the truth names them; `at` has one note per moment."""
        deepest = sorted(self._deepest.items(), key=lambda item: (item[1], item[0]))
        return {
            "first": _text(self._first),
            "last": _text(self._last),
            "time_ordered": self._time_ordered,
            "deepest_running_stock": [list(item) for item in deepest[:5]],
            "sha256_of_event_sequence": self._digest.hexdigest(),
            "at": list(self._notes),
        }

    def _see_time(self, moment: datetime) -> None:
        if self._last is None:
            self._first = moment
        elif moment < self._last:
            self._time_ordered = False
        self._last = moment

    def _note(self) -> dict[str, object]:
        longest = sorted(self._invoices.items(), key=lambda item: (-item[1], item[0]))
        return {
            "position": self._seen,
            "streams_seen": len(self._invoices),
            "per_type": dict(self._types),
            "amount": str(self._amount),
            "longest": [list(item) for item in longest[:3]],
        }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
