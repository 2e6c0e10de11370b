"""Inline: projections that run in the transaction of every append."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from headwater.domain.append import Append, Appended
from headwater.domain.event import StoredEvent
from headwater.domain.registry import Registry
from headwater.errors import BadDeclaration, HandlerExited, HeadwaterError, InlineHandlerFailed, StoreError
from headwater.handling.batch import Batch, running_batch
from headwater.models.changes import Change, merge
from headwater.ports.engine import Engine
from headwater.ports.inline_appends import InlineAppends, InlineProjection
from headwater.ports.read_models import ReadModels
from headwater.projections.intake import Intake
from headwater.projections.projection import Projection

__all__ = ["Forgets", "InlineAppender", "inline_appender"]


class Forgets(Protocol):
    """Keeps rows in memory, and is told which of them were changed."""

    def forget(self, changes: Sequence[Change], /) -> None: ...


class InlineAppender:
    """Commits appends with what the inline projections make of their events, as one transaction."""

    def __init__(
        self, events: InlineAppends, projections: Sequence[Projection], registry: Registry, cache: Forgets | None = None
    ) -> None:
        self._events = events
        self._steppers = [Stepper(projection, registry) for projection in projections]
        self._cache = cache

    async def append(self, append: Append) -> Appended:
        """Commit the append and its effects, or nothing.

        Raises as `AtomicAppends.append_atomic` does; InlineHandlerFailed for what a handler raises, or that itself
        where it is a HeadwaterError, such as a DomainError; InlineHandlerSuspended where it waits.
        """
        changed: list[Change] = []
        try:
            return await self._events.append_inline(append, [stepper.noting(changed) for stepper in self._steppers])
        finally:  # an error may have come after the commit
            if self._cache is not None and changed:
                self._cache.forget(changed)


def inline_appender(
    engine: Engine, projections: Iterable[Projection], registry: Registry, cache: Forgets | None = None
) -> InlineAppender | None:
    """What commits appends where projections run inline; None where none does.

    Raises BadDeclaration on an engine that has no InlineAppends.
    """
    inline = [projection for projection in projections if projection.inline]
    if not inline:
        return None
    if not isinstance(engine.events, InlineAppends):
        raise BadDeclaration(
            f"{type(inline[0].handler).__name__} is to run inline, and {engine.name} cannot commit its rows with the "
            "events: register it without inline(), and name it in wait_for= where its rows must be seen"
        )
    return InlineAppender(engine.events, inline, registry, cache)


class Stepper:
    """One inline projection: new events in, changes out. It touches no port but the rows it is handed."""

    def __init__(self, projection: Projection, registry: Registry) -> None:
        self._projection = projection
        self._intake = Intake(projection.declared, projection.events, registry)

    def noting(self, changed: list[Change]) -> InlineProjection:
        """As the engine wants it; what it changes is added to `changed`."""

        async def handle(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
            changes = await self._handle(events, rows)
            changed.extend(changes)
            return changes

        projection = self._projection
        return InlineProjection(projection.name, projection.writes, handle, projection.declared.version)

    async def _handle(self, events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
        projection = self._projection
        batch = Batch(projection.name, projection.writes, rows, commutative=projection.declared.commutative)
        token = running_batch.set(batch)
        try:
            for event in filter(self._intake.takes, events):
                await self._step(event, batch)
        except (Exception, asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # a handler ends itself, not the process
            raise HandlerExited(projection.name, error) from error
        finally:
            running_batch.reset(token)
        return merge(batch.changes) if batch.changes else ()

    async def _step(self, stored: StoredEvent, batch: Batch) -> None:
        """One event; where its error's policy is to skip it, its changes are taken back. Raises for any other."""
        mark = batch.mark()
        try:
            for event in self._intake.read(stored):
                handler = self._projection.handler_of(event.data)
                if handler is not None:
                    await handler(event)
        except StoreError:
            raise
        except Exception as error:
            if not self._intake.skips(error):
                raise self._refusal(stored, error) from error
            batch.rollback(mark)

    def _refusal(self, stored: StoredEvent, error: Exception) -> Exception:
        if isinstance(error, HeadwaterError):
            return error
        return InlineHandlerFailed(
            f"nothing was committed: {self._projection.name!r}, which runs inline, raised {type(error).__name__} for "
            f"{stored.type} of {stored.stream}: {error}"
        )
