"""Tag index: which events have which tags."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from headwater.domain.boundary import Alternative
from headwater.domain.event import StoredEvent

__all__ = ["TagIndex"]


class TagIndex:
    """Offsets by tag, and tags by offset, of one partition."""

    def __init__(self) -> None:
        self._offsets: dict[str, list[int]] = {}
        self._tags: dict[int, tuple[str, ...]] = {}
        self._tagged: list[int] = []

    def add(self, offset: int, tags: Sequence[str]) -> None:
        """The tags of the newest event."""
        self._tags[offset] = tuple(sorted(tags))
        self._tagged.append(offset)
        for tag in tags:
            self._offsets.setdefault(tag, []).append(offset)

    def between(self, start: int, stop: int) -> Mapping[int, tuple[str, ...]]:
        """Tags by offset, of the events in this range that have any."""
        first, end = bisect_left(self._tagged, start), bisect_left(self._tagged, stop)
        return {offset: self._tags[offset] for offset in self._tagged[first:end]}

    def matching(self, wanted: Alternative, log: Sequence[StoredEvent], start: int) -> Iterator[StoredEvent]:
        """The events of a kind from an offset on, in order; by its rarest tag."""
        offsets = min([self._offsets.get(tag, []) for tag in wanted.tags], key=len)
        for offset in offsets[bisect_left(offsets, start) :]:
            if wanted.matches(log[offset].type, self._tags[offset]):
                yield log[offset]
