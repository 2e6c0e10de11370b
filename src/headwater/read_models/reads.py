"""Reads: the read models that a computation reads, noted as it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import TypeVar

from headwater.models.criteria import Criteria
from headwater.models.model import ReadModel
from headwater.models.pipeline import Pipeline
from headwater.models.selection import Selection
from headwater.ports.read_models import ReadModels
from headwater.read_models.change_watch import ChangeWatch

__all__ = ["Noted", "Reads", "running_reads"]

M = TypeVar("M", bound=ReadModel)


class Reads:
    """Each model read, with its version from before the first read; what is told about by one watch."""

    __slots__ = ("versions", "watch")

    def __init__(self, watch: ChangeWatch) -> None:
        self.watch = watch
        self.versions: dict[type[ReadModel], int] = {}

    async def note(self, model: type[ReadModel]) -> None:
        """To be awaited before the model is read. Raises StoreError."""
        if model not in self.versions:
            self.versions.setdefault(model, await self.watch.version(model))

    def include(self, versions: Mapping[type[ReadModel], int]) -> None:
        """What was computed by these reads is part of this computation."""
        for model, version in versions.items():
            self.versions.setdefault(model, version)

    def hold(self) -> bool:
        """True if nothing that was read has changed, as far as is known."""
        return self.watch.holds(self.versions)


class Noted:
    """A ReadModels that notes the model of each read first."""

    def __init__(self, reader: ReadModels, reads: Reads) -> None:
        self._reader = reader
        self._reads = reads

    async def get(self, model: type[M], key: object) -> M | None:
        await self._reads.note(model)
        return await self._reader.get(model, key)

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        await self._reads.note(model)
        return await self._reader.find(model, selection)

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        await self._reads.note(model)
        return await self._reader.count(model, criteria)

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        await self._reads.note(model)
        return await self._reader.search(model, fields, tokens, limit)

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        await self._reads.note(model)
        return await self._reader.aggregate(model, pipeline)


running_reads: ContextVar[Reads | None] = ContextVar("headwater_running_reads", default=None)
"""Where reads are noted, those of tasks that the computation starts too; None where nobody asks."""
