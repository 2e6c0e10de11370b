"""BoundaryAppends: appends on condition that what they were decided on has not changed, wherever it lies."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from headwater.domain.append import Append, Appended
from headwater.domain.boundary import Boundary, BoundaryPage, Mark
from headwater.ports.tags import KeepsTags

__all__ = ["BoundaryAppends"]


@runtime_checkable
class BoundaryAppends(KeepsTags, Protocol):
    """Engines that honour dynamic consistency boundaries implement this; others lack the methods.

    Law:
    - An event has the tags it was appended with, for good. A boundary is read and held by tags and types, whatever
      streams and partitions its events lie in; integration events are in none.
    - A mark has a place in each partition. What was read up to a mark is every event within the boundary below these
      places: there will never be another one.
    - Events come in the order of the log within a partition; across partitions by timestamp. What is appended under
      conditions is stamped later than all that was read up to their marks, so causes come before effects.
    - Of two appends, each with an event within the boundary of the other and neither knowing of the other's, exactly
      one is committed; in any number of processes.
    - `append_within` is otherwise as `AtomicAppends.append_atomic`. Conditions are looked at after the checks of
      versions and before claims; `InlineAppends.append_inline` honours them alike.
    - It costs appends without tags and conditions nothing.
    """

    async def read_within(self, boundary: Boundary, after: Mark, limit: int) -> BoundaryPage:
        """The first events within a boundary behind a mark, at most `limit`, from 1.

        Raises InvalidVersion for a limit or a mark that is none, StoreCorrupt for bytes that do not match.
        """
        ...

    async def append_within(self, append: Append) -> Appended:
        """Commit the append whole, or raise as `EventStore.append` does.

        Raises BoundaryChanged, naming the first alternative of the first condition that does not hold; InvalidVersion
        for a mark of another log.
        """
        ...
