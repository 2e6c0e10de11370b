"""Pool: the connections of one process to its store, and what is run on them."""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Concatenate, Final, ParamSpec, TypeVar, cast

import asyncpg

from headwater.engines.postgres.connection import Connection, Row, begun, changed, let_go
from headwater.engines.postgres.errors import is_connection_lost, is_to_run_again, translated, unreached
from headwater.engines.postgres.location import Location
from headwater.errors import StoreBusy, StoreClosed

__all__ = ["Pool"]

P = ParamSpec("P")
T = TypeVar("T")

_TRIES: Final = 5
"""Of a transaction that the server rolls back to let another go on."""
_RELEASE: Final = 2.0
"""Seconds in which what was cancelled has to be over on the server; else its connection is replaced."""
_STATEMENTS: Final = 512
"""Prepared statements that each connection keeps."""


class Pool:
    """Connections on demand, up to a number; more work waits, and more than `limit` of it is refused.

    Every error leaves as one of ours. A connection that is found broken is replaced; what it was to read is read again.
    """

    def __init__(self, location: Location, limit: int) -> None:
        self._location = location
        self._limit = limit
        self._waiting = 0
        self._pool: asyncpg.Pool | None = None
        self._nobody_waits = asyncio.Event()
        self.committed: Callable[[], None] = _nobody_listens
        """Called after each commit that changed something."""

    async def open(self) -> None:
        """Connect once, so that a wrong URL is told now. Raises ConfigurationError, StoreUnavailable."""
        location = self._location
        pool = asyncpg.create_pool(
            location.dsn,
            init_size=1,
            min_size=0,  # with a floor, asyncpg connects on its own in the background
            max_size=location.pool,
            timeout=location.connect_timeout,
            command_timeout=location.statement_timeout,
            statement_cache_size=_STATEMENTS,
            max_inactive_connection_lifetime=300,
            server_settings={"application_name": "headwater"},
            init=self._begin_session,
            reset=_keep_as_it_is,
        )
        try:
            await pool
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            pool.terminate()
            raise unreached(location.shown, error) from error
        self._pool = pool

    async def close(self) -> None:
        """Let work under way come to its end, for a while; idempotent."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(self._location.lock_timeout):
                if self._waiting:  # a connection that is being made belongs to no pool yet, and would stay open
                    await self._nobody_waits.wait()
                await pool.close()
        except TimeoutError:
            pool.terminate()

    async def fetch(self, query: str, *args: object) -> Sequence[Row]:
        """The rows of one statement, read in one consistent state."""
        return await self.read(_fetch, query, args)

    async def row(self, query: str, *args: object) -> Row | None:
        """The first row of one statement."""
        found = await self.read(_fetch, query, args)
        return found[0] if found else None

    async def value(self, query: str, *args: object) -> object:
        """The first column of the first row; None where there is none."""
        found = await self.read(_fetch, query, args)
        return found[0][0] if found else None

    async def read(
        self, read: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run what changes nothing; once more, should the connection break."""
        for is_last in (False, True):
            try:
                async with self.connection() as connection:
                    return await read(connection, *args, **kwargs)
            except Exception as error:
                cause = error.__cause__ or error
                if is_last or not _is_worth_another(cause):
                    raise
        raise AssertionError("unreachable")

    async def change(self, query: str, *args: object) -> int:
        """Run one statement in a transaction of its own; how many rows it changed."""
        async with self.connection() as connection:
            rows = changed(await connection.execute(query, *args))
        if rows:
            self.committed()
        return rows

    async def transaction(
        self, job: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a job in one transaction: all of it is committed, or nothing.

        It is run again where the server rolls it back to let another transaction go on.
        """
        return await self.locked("BEGIN", job, *args, **kwargs)

    async def locked(
        self, begin: str, job: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same in a transaction whose beginning takes locks."""
        outcome = await self._in_transaction(begin, job, *args, **kwargs)
        self.committed()
        return outcome

    async def read_locked(
        self, begin: str, read: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same for what changes nothing: once more, should the connection break."""
        try:
            return await self._in_transaction(begin, read, *args, **kwargs)
        except Exception as error:
            if not _is_worth_another(error.__cause__ or error):
                raise
        return await self._in_transaction(begin, read, *args, **kwargs)

    async def _begin_session(self, connection: Connection) -> None:
        """Say how a new session behaves: not when it is asked for, since PgBouncer would refuse that."""
        script = "; ".join(f"SET {name} = '{value}'" for name, value in _settings(self._location).items())
        try:
            await connection.execute(script, timeout=self._location.connect_timeout)
        except BaseException:
            let_go(connection)  # asyncpg would take leave of a server that may say nothing
            raise

    async def _in_transaction(
        self, begin: str, job: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        for attempt in range(1, _TRIES + 1):
            try:
                async with self.connection() as connection, begun(connection, begin):
                    outcome = await job(connection, *args, **kwargs)
            except Exception as error:
                if attempt == _TRIES or not is_to_run_again(error.__cause__ or error):
                    raise
            else:
                return outcome
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection, None]:
        """A connection for a while. Raises StoreClosed, StoreBusy, StoreUnavailable; what is done with it, ours."""
        if self._pool is None:
            raise StoreClosed("this PostgreSQL store is closed: await its open() first")
        if self._waiting >= self._limit:
            raise StoreBusy(f"{self._limit:,} calls are waiting for a connection: try again later, with fewer at once")
        pool = self._pool
        try:
            self._waiting += 1
            self._nobody_waits.clear()
            try:
                async with asyncio.timeout(self._location.connect_timeout):  # asyncpg's own may leak one when cancelled
                    connection = await pool.acquire()
            finally:
                self._waiting -= 1
                if not self._waiting:
                    self._nobody_waits.set()
            try:
                yield cast("Connection", connection)
            finally:
                with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):  # it is replaced
                    await pool.release(connection, timeout=_RELEASE)
        except Exception as error:
            if self._pool is not pool and is_connection_lost(error):
                raise StoreClosed("this PostgreSQL store was closed meanwhile: open it anew") from error
            ours = translated(error)
            if ours is error:
                raise
            raise ours from error


async def _fetch(connection: Connection, query: str, args: Sequence[object]) -> Sequence[Row]:
    return await connection.fetch(query, *args)


async def _keep_as_it_is(_: object) -> None:
    """Nothing of ours changes a session, so nothing is to be put back, and a round trip is saved."""


def _nobody_listens() -> None: ...


def _is_worth_another(error: BaseException) -> bool:
    """Whether a read may be done on another connection; one that took too long was waited for long enough."""
    return is_connection_lost(error) and not isinstance(error, TimeoutError)


def _settings(location: Location) -> dict[str, str]:
    """How a session differs from what its role and database have by default."""
    return {
        "default_transaction_isolation": "read committed",  # what follows a lock sees all that came before
        "extra_float_digits": "1",  # floats as text are the floats they were
        "idle_in_transaction_session_timeout": str(round(location.idle_timeout * 1_000)),
        "jit": "off",  # compiling costs a pipeline over 100,000 rows 70 ms, and makes one over a million no faster
        "lock_timeout": str(round(location.lock_timeout * 1_000)),
        "synchronous_commit": "on" if location.synchronous else "off",
        "timezone": "UTC",
    }
