"""Tags: what events were marked with when they were appended, for whoever takes them elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

__all__ = ["KeepsTags"]


@runtime_checkable
class KeepsTags(Protocol):
    """Engines that keep the tags of events implement this, whether or not they find events by them."""

    async def tags_between(self, partition: int, start: int, stop: int) -> Mapping[int, tuple[str, ...]]:
        """The tags of the events with `start` <= offset < `stop` that have any, by offset, each in order."""
        ...
