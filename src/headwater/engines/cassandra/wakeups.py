"""Wakeups: a counter that moves with this process's commits at once, with others' when they are looked for.

What is appended shows by how far the log is settled. Who commits beside the log says so in a row of its own, some
milliseconds' worth of commits at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final
from uuid import uuid4

from headwater.engines.cassandra.rows.row_counts import RowCounts, TableKey
from headwater.engines.cassandra.session import Row, Session
from headwater.engines.cassandra.stage import ServedTable
from headwater.engines.cassandra.tables.generation_table import GenerationTable
from headwater.engines.sql.commits import Commits
from headwater.errors import HeadwaterError
from headwater.models.model import ReadModel, schema_of

__all__ = ["CassandraWakeups"]

_POLL: Final = 0.1
"""Seconds between two looks at the store, while somebody waits."""
_QUIET: Final = 0.02
"""Seconds for which commits beside the log are gathered before others are told."""
_RETRY: Final = 0.5
"""Seconds until they are told once more, where the cluster was out of reach."""
_MOVE: Final = 2**96
"""Above every sum of the counts of one table."""


class CassandraWakeups(Commits):
    """The log of every partition, by how far it is settled, as nothing that a reader waits for comes before; and what
    engine objects have said that they committed beside it."""

    def __init__(self, session: Session, generations: GenerationTable, counts: RowCounts) -> None:
        super().__init__()
        self._session = session
        self._generations = generations
        self._counts = counts
        self._name = uuid4().hex
        self._owed = asyncio.Event()
        """Set while others are owed to be told of commits."""
        self._tasks: list[asyncio.Task[None]] = []

    async def changes(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        return await self._changes(models, self._counts.of)

    async def changes_elsewhere(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        """As `KnowsOthers.changes_elsewhere`. A swap, or a table made anew, is told as another's."""
        return await self._changes(models, self._counts.elsewhere)

    def committed(self) -> None:
        """Something was committed beside the log."""
        self._owed.set()
        self.moved()

    def start(self) -> None:
        """Look, and tell others, from now on."""
        self.begin()
        self._owed = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._look(), name="headwater-looking"),
            asyncio.create_task(self._tell(), name="headwater-telling"),
        ]

    async def stop(self) -> None:
        """Say what is owed, and wake whoever waits; idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks and self._owed.is_set():
            with suppress(HeadwaterError):
                await self._say()
        self.moved()  # nobody waits for a commit that cannot come

    async def _changes(
        self, models: Sequence[type[ReadModel]], count: Callable[[TableKey], Awaitable[int]]
    ) -> Sequence[int]:
        """Of the tables that are served: the sum of a table's counts, and above it when it took its place."""
        if not models:
            return []
        names = [str(schema_of(model).table) for model in models]
        tables = (await self._generations.tables()).served
        served = [tables.get(name, ServedTable()) for name in names]
        sums = await asyncio.gather(*[count((name, at.number)) for name, at in zip(names, served, strict=True)])
        return [at.moved * _MOVE + sum for at, sum in zip(served, sums, strict=True)]

    # -- in the tasks ------------------------------------------------------------

    async def _look(self) -> None:
        """The first look finds something new, too: who knows what was committed before it."""
        looked: list[Row] | None = None
        while True:
            await self.until_waited_for()
            try:
                settled, commits = await asyncio.gather(
                    self._session.rows("list_settled"), self._session.rows("list_commits")
                )
                seen = sorted(settled) + [row for row in commits if row[0] != self._name]
            except HeadwaterError:
                seen = None  # anything may have happened
            if seen != looked or seen is None:
                looked = seen
                self.moved(others=True)
            await asyncio.sleep(_POLL)

    async def _tell(self) -> None:
        while True:
            await self._owed.wait()
            await asyncio.sleep(_QUIET)
            self._owed.clear()
            try:
                await self._say()
            except HeadwaterError:
                self._owed.set()
                await asyncio.sleep(_RETRY)

    async def _say(self) -> None:
        await self._session.write(("write_commits", (self._name, self._commits)))
