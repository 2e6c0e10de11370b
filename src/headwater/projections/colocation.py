"""Colocation: whether the streams that one row of a fold joins lie in one partition."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

import msgspec

from headwater.domain.aggregate import Aggregate
from headwater.domain.event import Recorded
from headwater.errors import BadDeclaration, ProjectionError
from headwater.models.model import ReadModel
from headwater.models.shown import shown
from headwater.ports.log import Log
from headwater.projections.fold import Fold, Folded

__all__ = ["UNDIVIDED", "Colocation", "Source", "check_colocation", "source_of", "stream_category"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes streams, as far as this application knows: an aggregate, or a decider."""

    name: str
    category: str
    events: frozenset[type]
    partition_by: str | None = None


def source_of(aggregate: type[Aggregate]) -> Source:
    """An aggregate as a writer of streams."""
    return Source(
        name=aggregate.__name__,
        category=aggregate.category,
        events=frozenset(aggregate.event_types()),
        partition_by=aggregate.partition_by,
    )


class Colocation:
    """The look at each event of a fold that declares `partition_by=`: is it where its partition key says?"""

    def __init__(self, log: Log | None = None) -> None:
        self._log = log

    def check(self, event: Recorded[object], partition_by: str, key: object) -> None:
        """Raises ProjectionError for an event that lies in another partition than the others of its key.

        The partition follows from the field `partition_by` of the event's data, where it has one.
        """
        log = self._log
        value: object = getattr(event.data, partition_by, None)
        if log is None or log.partitions == 1 or value is None:
            return
        home = log.partition_of(str(value))
        if event.position.partition != home:
            raise ProjectionError(
                f"key {shown(key)} is found in two partitions: {event.type} of {event.stream} lies in partition "
                f"{event.position.partition}, and {partition_by} {shown(value)} in {home}: declare "
                f"partition_by={partition_by!r} on the aggregate that wrote it"
            )


UNDIVIDED = Colocation()
"""Of a log in one partition."""


def check_colocation(fold: Fold[ReadModel], sources: Iterable[Source], partitions: int) -> None:
    """Raises BadDeclaration for a fold whose rows may join streams of different partitions."""
    folded = fold.folded()
    if partitions == 1:
        return
    if folded.by_stream:
        stream_category(fold, sources)
        return
    wanted = folded.partition_by or (folded.key if isinstance(folded.key, str) else None)
    of_key = folded.key if isinstance(folded.key, str) else "a function"
    whom = f"{type(fold).__name__}, of key {of_key}, folds streams of any of {partitions} partitions into one row"
    if wanted is None:
        raise BadDeclaration(f"{whom}: declare partition_by= on it and on the aggregates of its events")
    known = _writers(folded, sources)
    for source in known:
        if source.partition_by != wanted:
            raise BadDeclaration(f"{whom}: declare partition_by={wanted!r} on {source.name}")
    unknown = set(folded.steps).difference(*[source.events for source in known])
    for event in sorted(unknown, key=lambda event: event.__name__):
        if folded.partition_by is None:
            raise BadDeclaration(
                f"{whom}, and nothing here says who writes {event.__name__}: declare partition_by={wanted!r} on it"
            )
        if wanted not in _fields(event):
            raise BadDeclaration(
                f"{whom}, and {event.__name__} has no field {wanted!r} to check it by: add it, or a repository"
            )


def stream_category(fold: Fold[ReadModel], sources: Iterable[Source]) -> str:
    """The one category of the streams it follows; BadDeclaration where that is not known, or not one."""
    folded = fold.folded()
    if folded.category is not None:
        return folded.category
    found = sorted({source.category for source in _writers(folded, sources)})
    if len(found) != 1:
        among = f", which are of the categories {', '.join(found)}" if found else ""
        raise BadDeclaration(
            f"{type(fold).__name__} has one row for each stream id, and nothing says of which streams{among}: declare "
            "category= on it"
        )
    return found[0]


def _writers(folded: Folded, sources: Iterable[Source]) -> Sequence[Source]:
    """Who writes events it folds, in streams it follows."""
    return [
        source
        for source in sources
        if source.events & folded.steps.keys() and folded.category in (None, source.category)
    ]


def _fields(event: type) -> frozenset[str]:
    return frozenset(name for owner in event.__mro__ for name in inspect.get_annotations(owner))
