"""Exports: a generation's rows and checkpoints as of one moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from headwater.models.model import ReadModel
from headwater.ports.projection_store import Checkpoint

__all__ = ["Exported", "Exports"]

Exported: TypeAlias = "Sequence[Checkpoint] | Sequence[ReadModel]"


@runtime_checkable
class Exports(Protocol):
    """Engines that can read many rows in one consistent state while others write implement this; others lack it."""

    def export(
        self, projection: str, number: int, models: Sequence[type[ReadModel]], page: int = 1_000
    ) -> AsyncIterator[Exported]:
        """First the generation's checkpoints, then its rows, by model and key, in pages; all of one moment.

        Writers are not kept waiting. Raises UnknownName for a model without a table.
        """
        ...
