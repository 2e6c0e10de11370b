"""InlineAppends: handlers stepped by hand between the checks of an append and its writing."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import TypeVar, cast

import msgspec

from headwater.domain.event import StoredEvent
from headwater.engines.memory.generations import served
from headwater.engines.memory.read_models import MemoryReadModels
from headwater.engines.memory.state import State
from headwater.errors import InlineHandlerSuspended
from headwater.ports.inline_appends import InlineProjection
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint

__all__ = ["handle_inline"]

T = TypeVar("T")


def handle_inline(
    state: State, inline: Iterable[InlineProjection], events: Mapping[int, Sequence[StoredEvent]]
) -> list[Checkpoint]:
    """Apply what the projections make of new events, by partition; where their checkpoints then stand."""
    moved: list[Checkpoint] = []
    for projection in inline:
        for partition, new in events.items():
            checkpoint = _up_to_date(state, projection, partition, new[0].offset)
            if checkpoint is not None:
                changes = _finished(projection.handle(new, MemoryReadModels(state)), projection.projection)
                state.rows.apply(changes)
                moved.append(msgspec.structs.replace(checkpoint, offset=new[-1].offset + 1))
    return moved


def _up_to_date(state: State, inline: InlineProjection, partition: int, offset: int) -> Checkpoint | None:
    """The checkpoint of what is served, if it stands at this offset with nothing left behind."""
    projection = inline.projection
    generation = served(state, projection)
    place = Place(projection, partition, generation.number)
    kept = state.checkpoints.get(place, Checkpoint(place=place))
    if (
        projection in state.pauses
        or generation.key_ranges > 1
        or generation.version != inline.version
        or kept.offset != offset
    ):
        return None
    left_behind = any(
        (parked.projection, parked.generation, parked.partition) == (projection, generation.number, partition)
        for parked in state.parked
    )
    return None if left_behind else kept


def _finished(handled: Awaitable[T], projection: str) -> T:
    """The outcome of what never waits. Raises InlineHandlerSuspended."""
    steps = handled.__await__()
    try:
        next(steps)
    except StopIteration as outcome:
        return cast("T", outcome.value)
    steps.close()
    raise InlineHandlerSuspended(
        f"the inline projection {projection!r} waits for something outside the append's transaction: "
        "read nothing but its views, or run it async"
    )
