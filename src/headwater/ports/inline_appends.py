"""InlineAppends: projections that run inside the append's transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from headwater.domain.append import Append, Appended
from headwater.domain.event import StoredEvent
from headwater.models.changes import Change
from headwater.models.model import ReadModel
from headwater.ports.read_models import ReadModels

__all__ = ["HandleInline", "InlineAppends", "InlineProjection"]

HandleInline: TypeAlias = Callable[[Sequence[StoredEvent], ReadModels], Awaitable[Sequence[Change]]]
"""From the new events of one partition, in order, and the rows as the transaction sees them, to changes."""


class InlineProjection(msgspec.Struct, frozen=True):
    """What is to run with an append."""

    projection: str
    models: tuple[type[ReadModel], ...]
    """Those it writes."""
    handle: HandleInline
    version: int = 1
    """Of the projection's declaration."""


@runtime_checkable
class InlineAppends(Protocol):
    """Engines that can handle events in the transaction that appends them implement this; others lack the method.

    Law: as `AtomicAppends.append_atomic`; and for each projection and partition touched: where the checkpoint of
    its served generation stands at the first new offset, and nothing of it is parked there, `handle` is called with
    the new events (hidden ones too), its changes are committed with them, and the checkpoint moves past them under
    the epoch it has. A projection that stands elsewhere, is paused, has several key ranges, or of which another version
    is served, is passed by: its runner brings it on. An append that is a repetition handles nothing. What `handle`
    raises, the append raises, and nothing is committed; where it waits for anything but the rows it was given, that
    is InlineHandlerSuspended.
    """

    async def append_inline(self, append: Append, inline: Sequence[InlineProjection]) -> Appended:
        """Commit the append and the effects of its events together."""
        ...
