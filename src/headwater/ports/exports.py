"""Exports: a generation's rows, checkpoints and parked events as of one moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from headwater.models.model import ReadModel
from headwater.ports.parking import ParkedEvent
from headwater.ports.projection_store import Checkpoint

__all__ = ["Exported", "Exports"]

Exported: TypeAlias = "Sequence[Checkpoint] | Sequence[ParkedEvent] | Sequence[ReadModel]"


@runtime_checkable
class Exports(Protocol):
    """Engines that can read many rows in one consistent state while others write implement this; others lack it."""

    def export(
        self, projection: str, number: int, models: Sequence[type[ReadModel]], page: int = 1_000
    ) -> AsyncIterator[Exported]:
        """First the generation's checkpoints, then what it has parked, by place, then its rows, by model and key.

        All of one moment, in pages, none of which is empty but for the checkpoints. Writers are not kept waiting.
        Raises UnknownName for a model without a table.
        """
        ...
