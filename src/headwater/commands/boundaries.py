"""Boundaries: decisions on events of any streams, and appends on condition that these have not changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, TypeVar, cast

from headwater.commands.committing import Committer
from headwater.commands.context import current_command
from headwater.domain.aggregate import unique_keys
from headwater.domain.append import Write
from headwater.domain.boundary import Alternative, Boundary, Mark
from headwater.domain.registry import Registry
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion, ExpectedVersion
from headwater.errors import BadDeclaration, InvalidInput
from headwater.ports.boundaries import BoundaryAppends
from headwater.ports.event_store import EventStore

__all__ = ["Boundaries"]

S = TypeVar("S")
E = TypeVar("E")

_PAGE: Final = 1_000
"""Events read at once."""


class Boundaries:
    """Reads what a decision depends on, wherever it lies, and appends what was decided. Ask for it in a handler.

    Whatever boundaries a handler folds become conditions of its command's one append: it commits if nothing within
    them was committed since, else the bus lets the handler decide again, as for a version conflict; what it had read
    is not read anew. At the last try `execute` raises BoundaryChanged. Outside a handler a fold only reads.
    """

    def __init__(self, events: EventStore, registry: Registry, committer: Committer) -> None:
        self._events = events
        self._registry = registry
        self._committer = committer

    async def fold(self, boundary: Boundary, evolve: Callable[[S, E], S], initial: S) -> S:
        """The state after the events within a boundary, what the running command appended included.

        They come as `evolve` is to see them, upcast, in the order of `BoundaryAppends`: causes before effects.
        Raises UnknownEventType for one whose class is not registered, BadDeclaration on an engine without boundaries.
        """
        wanted, classes = self._as_stored(boundary)
        context = current_command.get()
        staged = None if context is None else context.staging()
        if context is None or staged is None:
            _, events = await self._read(wanted, classes, Mark(), [])
        else:
            mark, events = await self._read(wanted, classes, *context.recall_boundary(boundary))
            context.remember_boundary(boundary, mark, events)
            staged.conditions.setdefault(wanted, mark)
            events = [*events, *staged.events_within(boundary)]
        state = initial
        for event in events:
            state = evolve(state, cast("E", event))
        return state

    async def append(
        self,
        stream: StreamId,
        *events: object,
        expected: ExpectedVersion = AnyVersion(),  # noqa: B008  # frozen
        unique: Iterable[tuple[str, str]] = (),
        release: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Stage events for a stream: those of all streams are committed together, once the handler has returned.

        Raises InvalidInput without events, BadDeclaration outside of a command's handler.
        """
        context = current_command.get()
        staged = None if context is None else context.staging()
        if staged is None:
            raise BadDeclaration("events are appended within boundaries by the handler of a command, while it runs")
        if not events:
            raise InvalidInput(f"append({stream}) has no events: leave it out")
        write = Write(
            stream=StreamId.of(stream.category, stream.id),
            expected=expected,
            events=tuple([self._committer.encode(event) for event in events]),
            claims=tuple(unique_keys(unique)),
            releases=tuple(unique_keys(release)),
        )
        staged.add(write, events)

    async def _read(
        self, boundary: Boundary, classes: Collection[type] | None, after: Mark, before: Sequence[object]
    ) -> tuple[Mark, list[object]]:
        """How far a boundary goes now, and all of its events, of which some were read before."""
        if not isinstance(self._events, BoundaryAppends):
            raise BadDeclaration("this engine has no boundaries: decide within one stream, or claim a unique key")
        events = list(before)
        while True:
            page = await self._events.read_within(boundary, after, _PAGE)
            read = self._registry.decode_many([(event.type, event.schema, event.data) for event in page.events])
            events += [event for event in read if classes is None or type(event) in classes]
            after = page.mark
            if not page.more:
                return after, events

    def _as_stored(self, boundary: Boundary) -> tuple[Boundary, Collection[type] | None]:
        """With every stored type of which upcasters may make a wanted one; and the classes wanted then, if any."""
        upcast, types = self._registry.stored_names(()), [each.types for each in boundary]
        if not upcast or not any(types):
            return boundary, None
        stored = [
            Alternative(each.tags, tuple(sorted({*each.types, *upcast})) if each.types else ()) for each in boundary
        ]
        classes = {self._registry.class_of(name) for each in types for name in each}
        return Boundary.any_of(stored), classes if all(types) else None
