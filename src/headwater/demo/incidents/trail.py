"""Trail: what only the stored entries themselves can tell, in whatever order different incidents come."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from headwater.demo.incidents.events import Entry

__all__ = ["Trail"]


class Trail:
    """Sees every entry, those of one incident in order. `moments` are places in the input to tell the state after."""

    def __init__(self, moments: Iterable[int] = ()) -> None:
        self._moments = sorted(moments)
        self._states = [Counter[str]() for _ in self._moments]
        self._incidents = [Counter[str]() for _ in self._moments]
        """Entries since the moment before, as the states."""
        self._lines: dict[str, bytearray] = {}

    def see(self, entry: Entry) -> None:
        text = f"{entry.number}|{entry.state}|{entry.modifications}\n".encode()
        self._lines.setdefault(entry.number, bytearray()).extend(text)
        since = bisect_left(self._moments, entry.line)
        if since < len(self._moments):
            self._states[since][entry.state] += 1
            self._incidents[since][entry.number] += 1

    def figures(self) -> dict[str, object]:
        """The digest of all entries by incident, and how things stood at each moment."""
        digest = hashlib.sha256()
        for number in sorted(self._lines):
            digest.update(self._lines[number])
        return {"sha256_of_rows_in_source_order": digest.hexdigest(), "at": self._notes()}

    def _notes(self) -> list[dict[str, object]]:
        states, incidents = Counter[str](), Counter[str]()
        notes: list[dict[str, object]] = []
        for moment, more_states, more_entries in zip(self._moments, self._states, self._incidents, strict=True):
            states.update(more_states)
            incidents.update(more_entries)
            longest = sorted(incidents.items(), key=lambda item: (-item[1], item[0]))[:3]
            notes.append(
                {
                    "position": moment,
                    "streams_seen": len(incidents),
                    "per_type": dict(states),
                    "amount": "0",  # every data set's notes have one; incidents cost nothing here
                    "longest": [list(item) for item in longest],
                }
            )
        return notes
