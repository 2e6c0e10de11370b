"""Boundary: the events a decision depends on, wherever they lie; and what holds it until the append.

Source: the specification of dynamic consistency boundaries, https://dcb.events/specification/
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from typing import TypeVar

import msgspec

from headwater.domain.event import StoredEvent
from headwater.domain.identifier import check_type_name
from headwater.domain.messages import naming_of
from headwater.domain.tags import check_tag
from headwater.domain.version import check_count
from headwater.errors import InvalidCriteria, InvalidVersion

__all__ = [
    "Alternative",
    "AppendCondition",
    "Boundary",
    "BoundaryPage",
    "Mark",
    "check_conditions",
    "check_mark",
    "page_of",
]

T = TypeVar("T")


class Alternative(msgspec.Struct, frozen=True, order=True):
    """Events that have all of these tags and one of these types."""

    tags: tuple[str, ...]
    """At least one, in order."""
    types: tuple[str, ...] = ()
    """Stored names, in order; none: any type."""

    def matches(self, type: str, tags: Collection[str]) -> bool:
        """True for an event of this kind: what every engine's own way of looking must agree with."""
        return all(tag in tags for tag in self.tags) and (not self.types or type in self.types)

    def __str__(self) -> str:
        return " and ".join(self.tags) + (f" ({', '.join(self.types)})" if self.types else "")


class Boundary:
    """Which events a decision depends on: those with all of `tags`, and of one of `types` if any are given.

    `Boundary(tags=["course:c1"]) | Boundary(tags=["student:s1"], types=[Subscribed])` is either. Types are event
    classes, with every name they had, or stored names.

    Raises InvalidCriteria for one that names no tag: it would be every event of the store.
    """

    __slots__ = ("alternatives",)

    alternatives: tuple[Alternative, ...]
    """Each once, in order."""

    def __init__(self, *, tags: Iterable[str], types: Iterable[type | str] = ()) -> None:
        named = {check_tag(tag) for tag in _listed(tags, "tags", "course:c1")}
        if not named:
            raise InvalidCriteria(
                "a boundary without a tag is every event there is: name what the decision is about, "
                "as in Boundary(tags=['course:c1'])"
            )
        names = {name for type in _listed(types, "types", "Subscribed") for name in _names(type)}
        self.alternatives = (Alternative(tuple(sorted(named)), tuple(sorted(names))),)

    @classmethod
    def any_of(cls, alternatives: Iterable[Alternative]) -> Boundary:
        """Whatever is in one of them."""
        boundary = cls.__new__(cls)
        boundary.alternatives = tuple(sorted(set(alternatives)))
        if not boundary.alternatives:
            raise InvalidCriteria("a boundary has at least one alternative")
        return boundary

    def matches(self, type: str, tags: Collection[str]) -> bool:
        """True for an event within the boundary."""
        return any(alternative.matches(type, tags) for alternative in self.alternatives)

    def __or__(self, other: Boundary) -> Boundary:
        return Boundary.any_of((*self.alternatives, *other.alternatives))

    def __iter__(self) -> Iterator[Alternative]:
        return iter(self.alternatives)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Boundary) and self.alternatives == other.alternatives

    def __hash__(self) -> int:
        return hash(self.alternatives)

    def __repr__(self) -> str:
        return f"<Boundary {' or '.join(map(str, self.alternatives))}>"


class Mark(msgspec.Struct, frozen=True):
    """How far a boundary was read. Opaque: it is handed back to the store that gave it. `Mark()` is the start."""

    offsets: tuple[int, ...] = ()
    """For each partition the offset to read next; 0 where there is none."""
    time: int = 0
    """The highest timestamp among what was read, in microseconds since 1970: what is decided on it is later."""

    def offset(self, partition: int) -> int:
        return self.offsets[partition] if partition < len(self.offsets) else 0


class AppendCondition(msgspec.Struct, frozen=True):
    """Nothing within the boundary has been committed since `after`."""

    boundary: Boundary
    after: Mark = Mark()


class BoundaryPage(msgspec.Struct, frozen=True):
    """Some events of a boundary, and how far they reach."""

    events: Sequence[StoredEvent]
    mark: Mark
    more: bool
    """Whether events were left out because of the limit: read on from the mark."""


def check_conditions(conditions: Iterable[AppendCondition], partitions: int) -> None:
    """Raise InvalidVersion for a mark that no store with so many partitions has given."""
    for condition in conditions:
        check_mark(condition.after, partitions)


def check_mark(mark: Mark, partitions: int) -> None:
    """Raise InvalidVersion for a mark that no store with so many partitions has given."""
    if len(mark.offsets) > partitions:
        raise InvalidVersion(f"this mark is of a log with {len(mark.offsets)} partitions, here are {partitions}")
    for offset in mark.offsets:
        check_count(offset, "offset of a mark")
    check_count(mark.time, "time of a mark")


def page_of(found: Mapping[int, Iterable[StoredEvent]], heads: Sequence[int], after: Mark, limit: int) -> BoundaryPage:
    """A page, from what each partition has within the boundary below its head, up to `limit` events each.

    Whatever comes twice, because it is in two alternatives, is there once.
    """
    logs = [sorted({event.offset: event for event in events}.values(), key=_offset) for events in found.values()]
    merged = list(merge(*logs, key=_timestamp))
    events = merged[:limit]
    offsets = list(heads)
    for event in reversed(merged[limit:]):  # what is left out is read next
        offsets[event.partition] = event.offset
    time = max([after.time, *map(_timestamp, events)])
    return BoundaryPage(events, Mark(tuple(offsets), time), more=len(merged) > limit)


def _offset(event: StoredEvent) -> int:
    return event.offset


def _timestamp(event: StoredEvent) -> int:
    return event.timestamp


def _listed(given: Iterable[T], what: str, example: str) -> list[T]:
    if isinstance(given, str | type):
        raise InvalidCriteria(f"{what}= takes a list, as in {what}=[{example!r}]")
    return list(given)


def _names(type: type | str) -> Iterable[str]:
    if isinstance(type, str):
        return (check_type_name(type),)
    naming = naming_of(type)
    return (naming.name, *naming.renamed_from)
