"""What the tests of checks share: an application on the shop, a schedule that goes on when told to, damage."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

import apsw

from headwater.consistency.checks.built_in import built_in_checks
from headwater.consistency.checks.check import CheckResult
from headwater.consistency.manager import ConsistencyManager
from headwater.domain.append import UniqueKey
from headwater.engines.memory import MemoryEngine
from headwater.engines.postgres.engine import PostgresEngine
from headwater.engines.sqlite import SqliteEngine
from headwater.ports.engine import Engine
from headwater.ports.journal import Entry
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import ProjectionParts
from headwater.testing.clock import ManualClock
from tests.engines.servers import execute
from tests.projections.shop import Shop

__all__ = ["Application", "Damage", "Rounds", "found", "journal_of"]


class Application:
    """A CQRSManager, as far as checks need one."""

    def __init__(self, shop: Shop, *handlers: ProjectionHandler, parts: ProjectionParts | None = None) -> None:
        self.engine = shop.engine
        self.parts = parts or shop.parts
        self.synchronizer = shop.synchronizer(*handlers, parts=self.parts)

    def projection_parts(self) -> ProjectionParts:
        return self.parts

    async def caught_up(self) -> None:
        """Run the projections up to the end of the log."""
        await self.synchronizer.start()
        await self.synchronizer.caught_up(5)
        await self.synchronizer.stop()

    def manager(self, *checks: Any, **options: Any) -> ConsistencyManager:
        return ConsistencyManager(self, consistency_checks=checks, **options)

    async def built_in(self, name: str, **options: Any) -> CheckResult:
        """The result of one of the built-in checks."""
        (result,) = await self.manager(*built_in_checks(self, **options)).run_checks([name])
        assert result.error == ""
        return result


class Rounds:
    """The sleep of a schedule: it lasts until the test says so, and the clock moves by what was to be slept."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._rests = asyncio.Event()
        self._goes_on = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self._rests.set()
        await self._goes_on.wait()
        self._goes_on.clear()
        self._clock.advance(seconds)

    async def first(self) -> None:
        """Until the first round is over."""
        await self._rests.wait()

    async def another(self) -> None:
        """Let one more round begin, until it is over."""
        self._rests.clear()
        self._goes_on.set()
        await self._rests.wait()


class Damage:
    """What no port does, planted in the store itself."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._state = cast("Any", engine)._state if isinstance(engine, MemoryEngine) else None

    async def lose_event(self, stream: str, version: int) -> None:
        """Take an event out of the middle of its stream."""
        if self._state is not None:
            del self._state.streams[stream].events[version - 1]
        else:
            await self._run(f"DELETE FROM events WHERE version = {version} AND stream = {self._id_of(stream)}")

    async def lose_from_log(self, stream: str) -> None:
        """Take the last event of a stream out of the log, which its stream still counts."""
        if self._state is not None:
            last = self._state.streams[stream].events[-1]
            self._state.log[last.partition].remove(last)
        else:
            await self._run(f"UPDATE headwater_streams SET version = version + 1 WHERE name = '{stream}'")

    async def corrupt(self, stream: str) -> None:
        """Change a byte of every event of a stream; on SQLite."""
        await self._run(f"UPDATE events SET data = X'7B7D' WHERE stream = {self._id_of(stream)}")

    async def claim(self, key: UniqueKey) -> None:
        """Have a key held by a stream that is not there."""
        if self._state is not None:
            self._state.keys[key] = "user-ghost"
        else:
            ghost = 4711 if isinstance(self._engine, SqliteEngine) else "'user-ghost'"
            await self._run(f"INSERT INTO headwater_unique_keys VALUES ('{key.scope}', '{key.value}', {ghost})")

    async def _run(self, sql: str) -> None:
        if isinstance(self._engine, PostgresEngine):
            location = self._engine.location
            await execute(location.dsn, f'SET search_path = "{location.schema}"; {sql}')
            return
        connection = apsw.Connection((await self._engine.admin.info()).details["path"])
        connection.execute(sql)
        connection.close()

    def _id_of(self, stream: str) -> str:
        if isinstance(self._engine, SqliteEngine):
            return f"(SELECT id FROM headwater_streams WHERE name = '{stream}')"
        return f"'{stream}'"


def found(result: CheckResult) -> list[tuple[str, str]]:
    return [(one.where, one.what) for one in result.inconsistencies]


async def journal_of(shop: Shop, action: str) -> list[str]:
    """The outcomes noted, the oldest first."""
    entries: Iterable[Entry] = await shop.engine.journal.entries(action=action)
    return [entry.outcome for entry in entries][::-1]
