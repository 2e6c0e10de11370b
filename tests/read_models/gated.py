"""Gated: a store whose reads and writes wait until they are let through, and can be made to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

from headwater.models.changes import Change
from headwater.models.criteria import Criteria
from headwater.models.model import ReadModel
from headwater.models.pipeline import Pipeline
from headwater.models.selection import Selection
from headwater.ports.engine import Engine

M = TypeVar("M", bound=ReadModel)


class Gated:
    """A ReadModels and RowWriter over an engine.

    A closed `gate` holds calls that the engine has answered; those named in `early`, "read" or "write", it holds
    before they reach the engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.gate = asyncio.Event()
        self.gate.set()
        self.early: set[str] = set()
        self.reads = 0
        self.writes: list[list[Change]] = []
        self.error: Exception | None = None
        self.waiting = 0
        self._arrived = asyncio.Condition()

    async def get(self, model: type[M], key: object) -> M | None:
        self.reads += 1
        await self._pass("read" in self.early)
        row = await self._engine.read_models.get(model, key)
        await self._pass("read" not in self.early)
        return row

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        rows = await self._engine.read_models.find(model, selection)
        await self._pass(True)
        return rows

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        return await self._engine.read_models.count(model, criteria)

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        return await self._engine.read_models.search(model, fields, tokens, limit)

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        return await self._engine.read_models.aggregate(model, pipeline)

    async def write(self, changes: Sequence[Change]) -> None:
        if self.error is not None:
            raise self.error
        self.writes.append(list(changes))
        await self._pass("write" in self.early)
        await self._engine.projections.write(changes)
        await self._pass("write" not in self.early)

    async def held(self, count: int) -> None:
        """Wait until so many calls stand at the gate."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.waiting == count)

    async def _pass(self, held: bool) -> None:
        if not held:
            return
        await self._count(1)
        await self.gate.wait()
        await self._count(-1)

    async def _count(self, step: int) -> None:
        async with self._arrived:
            self.waiting += step
            self._arrived.notify_all()
