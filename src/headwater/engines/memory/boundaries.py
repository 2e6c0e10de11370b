"""BoundaryAppends: what a boundary holds, and whether that is still what was read."""

from __future__ import annotations

from itertools import islice

from headwater.domain.append import Append
from headwater.domain.boundary import AppendCondition, Boundary, BoundaryPage, Mark, check_mark, page_of
from headwater.domain.version import check_count
from headwater.engines.memory.state import State
from headwater.errors import BoundaryChanged, InvalidVersion

__all__ = ["check_unchanged", "read_page"]


def read_page(state: State, boundary: Boundary, after: Mark, limit: int) -> BoundaryPage:
    """A page of a boundary; see BoundaryAppends."""
    check_mark(after, len(state.log))
    if check_count(limit, "limit") == 0:
        raise InvalidVersion("a page has 1 event or more, got 0")
    found = {
        partition: [
            event
            for alternative in boundary
            for event in islice(state.tags[partition].matching(alternative, log, after.offset(partition)), limit + 1)
        ]
        for partition, log in enumerate(state.log)
    }
    return page_of(found, [max(len(log), after.offset(p)) for p, log in enumerate(state.log)], after, limit)


def check_unchanged(state: State, append: Append) -> None:
    """Raise BoundaryChanged where something has come since it was read."""
    for condition in append.conditions:
        _check_condition(state, condition)


def _check_condition(state: State, condition: AppendCondition) -> None:
    for alternative in condition.boundary:
        for partition, log in enumerate(state.log):
            start = condition.after.offset(partition)
            if any(True for _ in state.tags[partition].matching(alternative, log, start)):
                raise BoundaryChanged(str(alternative), alternative.tags)
