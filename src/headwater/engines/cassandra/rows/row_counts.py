"""Counts of changes: by table of a read model, moved after its rows are written and before that is acknowledged.

Those who commit at different places move counts of their own. At one place the epoch says whose count is the higher,
so it is a plain write with itself as its timestamp. Who writes at no place moves one by compare-and-set.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias, cast
from uuid import uuid4

from headwater.engines.cassandra.session import Session, Step
from headwater.errors import StoreBusy
from headwater.ports.place import Place

__all__ = ["RowCounts", "TableKey"]

TableKey: TypeAlias = tuple[str, int]
"""The name of a read model's table, and its number."""

_NOWHERE: Final = ""
"""The slot of what is written at no place."""
_EPOCH: Final = 2**32
"""Above every count of changes that are made under one epoch."""
_TRIES: Final = 100

_Row: TypeAlias = tuple[int, str, int]
"""How many; the engine object that moved it last; how many there were before that one began to."""
_NONE: Final[_Row] = (0, "", 0)


class RowCounts:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._engine = uuid4().hex

    async def at(self, place: Place, epoch: int, tables: Iterable[TableKey]) -> None:
        """What is written to these tables at a place, under a lease of this epoch, has changed."""
        slot = f"{place.projection}:{place.partition}:{place.key_range}"
        await asyncio.gather(*[self._count_at(key, slot, epoch) for key in tables])

    async def anywhere(self, tables: Iterable[TableKey]) -> None:
        """These tables have changed by whoever."""
        await asyncio.gather(*[self._count_anywhere(key) for key in tables])

    async def of(self, key: TableKey) -> int:
        """The sum of a table's counts."""
        return sum([changes for changes, _, _ in await self._rows(key)])

    async def elsewhere(self, key: TableKey) -> int:
        """The same without what this engine object has changed since another did."""
        rows = await self._rows(key)
        return sum([elsewhere if engine == self._engine else changes for changes, engine, elsewhere in rows])

    async def forget(self, key: TableKey) -> None:
        """There is no table of this number any more."""
        await self._session.write(("delete_model_changes", key))

    async def _rows(self, key: TableKey) -> Sequence[_Row]:
        return cast("list[_Row]", await self._session.rows("read_model_changes", *key))

    async def _find(self, key: TableKey, slot: str, serially: bool) -> _Row | None:
        return cast("_Row | None", await self._session.row("find_model_changes", *key, slot, serially=serially))

    async def _count_at(self, key: TableKey, slot: str, epoch: int) -> None:
        seen = await self._find(key, slot, serially=False) or _NONE
        changes = max(seen[0], epoch * _EPOCH) + 1
        await self._session.write(("write_model_changes", (*key, slot, *self._next(seen, changes), changes)))

    async def _count_anywhere(self, key: TableKey) -> None:
        for _ in range(_TRIES):
            seen = await self._find(key, _NOWHERE, serially=True)
            row = self._next(seen or _NONE, (seen or _NONE)[0] + 1)
            step: Step = "insert_model_changes", (*key, _NOWHERE, *row)
            if seen is not None:
                step = "update_model_changes", (*row, *key, _NOWHERE, seen[0])
            if await self._session.compare_and_set(step) is None:
                return
        raise StoreBusy(f"others change {key[0]!r} all the time: try again later")

    def _next(self, seen: _Row, changes: int) -> _Row:
        before, engine, elsewhere = seen
        return changes, self._engine, elsewhere if engine == self._engine else before
