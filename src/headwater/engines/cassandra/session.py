"""Session: prepared statements on a cluster, at the store's consistency levels, each sent once."""

# acsylla has no types of its own:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol, TypeAlias, cast

import acsylla
import msgspec

from headwater.engines.cassandra.errors import translated
from headwater.engines.cassandra.location import Location
from headwater.engines.cassandra.statements import Statements
from headwater.errors import StoreClosed, StoreUnavailable

__all__ = ["Levels", "Parameters", "Refusal", "Row", "Session", "Step"]

Row: TypeAlias = tuple[object, ...]
Parameters: TypeAlias = Sequence[object] | Mapping[str, object]
"""By place, or by name: what is left out of those by name stays as it is in the row."""
Step: TypeAlias = tuple[str, Parameters]
"""A statement by its name, or as it stands where it has none, and its parameters."""

_PAGE: Final = 5_000
_SCHEMA_SECONDS: Final = 60.0
"""For a change of the schema, which the nodes agree on among themselves."""
_RECONNECT_MS: Final = 200, 2_000
"""The first pause before a node is tried again, and the longest, in milliseconds."""


class Levels(msgspec.Struct, frozen=True):
    """The consistency levels of a store: fixed when it is made, as levels that do not overlap promise nothing."""

    plain: acsylla.Consistency
    serial: acsylla.Consistency

    @classmethod
    def of(cls, data_center: str) -> Levels:
        """Of the replicas of one data centre; of all for an empty name."""
        level = acsylla.Consistency
        return cls(level.LOCAL_QUORUM, level.LOCAL_SERIAL) if data_center else cls(level.QUORUM, level.SERIAL)


class Refusal(msgspec.Struct, frozen=True):
    """What a compare-and-set found instead of what it was to find, by column; empty where there was no row."""

    found: Mapping[str, object]


class _Row(Protocol):
    def as_tuple(self) -> Row: ...
    def as_dict(self) -> dict[str, object]: ...


class _Result(Protocol):
    def __iter__(self) -> Iterator[_Row]: ...
    def first(self) -> _Row | None: ...
    def has_more_pages(self) -> bool: ...
    def page_state(self) -> bytes: ...


class _Prepared(Protocol):
    def bind(self, parameters: Parameters, **options: object) -> object: ...


class _Batch(Protocol):
    def add_statement(self, statement: object) -> None: ...
    def set_consistency(self, level: object) -> None: ...
    def set_serial_consistency(self, level: object) -> None: ...


class _Driver(Protocol):
    async def execute(self, statement: object) -> _Result: ...
    async def execute_batch(self, batch: object) -> _Result: ...
    async def create_prepared(self, statement: str) -> _Prepared: ...
    async def create_statement(self, statement: str) -> object: ...
    async def close(self) -> None: ...


class Session:
    """What an engine sends. The driver repeats nothing and sends nothing twice: who asks decides what to do next.

    Raises StoreClosed before `open` and after `close`, and what `errors.translated` makes of the driver's errors.
    """

    def __init__(self, location: Location, cql: Statements) -> None:
        self._location = location
        self._cql = cql
        self.keyspace = cql.keyspace
        """As it stands in a statement."""
        self._driver: _Driver | None = None
        self._prepared: dict[str, asyncio.Task[_Prepared]] = {}
        self._room = asyncio.Semaphore(location.in_flight)
        self.levels = Levels.of(location.data_center)

    # -- beginning and ending --------------------------------------------------

    async def open(self) -> None:
        """Connect. Raises StoreUnavailable."""
        try:
            self._driver = cast("_Driver", await _cluster(self._location).create_session())
        except Exception as error:
            raise translated(error) from error

    async def close(self) -> None:
        """Let go of the cluster; idempotent."""
        driver, self._driver = self._driver, None
        for preparing in self._prepared.values():
            preparing.cancel()
        self._prepared.clear()
        if driver is not None:
            await driver.close()

    # -- what is sent ------------------------------------------------------------

    async def run(self, cql: str, *parameters: object) -> list[Row]:
        """A statement as it stands, unprepared: for schemas and for what the cluster says of itself."""
        async with self._sending() as driver:
            statement = acsylla.create_statement(
                cql, list(parameters), consistency=self.levels.plain, timeout=_SCHEMA_SECONDS
            )
            return [row.as_tuple() for row in await driver.execute(statement)]

    async def rows(self, name: str, *parameters: object, serially: bool = False) -> list[Row]:
        """Every row of a statement, page by page where there are many."""
        return [row async for page in self.pages(name, *parameters, serially=serially) for row in page]

    async def pages(
        self, name: str, *parameters: object, serially: bool = False, page: int = _PAGE
    ) -> AsyncGenerator[list[Row], None]:
        """The rows of a statement in pages of so many."""
        level = self.levels.serial if serially else self.levels.plain
        state: bytes | None = None
        while True:
            async with self._sending() as driver:
                bound = (await self._statement(name)).bind(
                    parameters, page_size=page, page_state=state, consistency=level
                )
                result = await driver.execute(bound)
                rows = [row.as_tuple() for row in result]
                state = result.page_state() if result.has_more_pages() else None
            yield rows
            if state is None:
                return

    async def row(self, name: str, *parameters: object, serially: bool = False) -> Row | None:
        """The first row of a statement; None if it has none."""
        level = self.levels.serial if serially else self.levels.plain
        async with self._sending() as driver:
            first = (await driver.execute((await self._statement(name)).bind(parameters, consistency=level))).first()
            return None if first is None else first.as_tuple()

    async def write(self, *steps: Step) -> None:
        """Statements of one partition, in one go, acknowledged by a quorum."""
        await self._send(steps)

    async def compare_and_set(self, *steps: Step) -> Refusal | None:
        """The same on the conditions in them; None: they held. Raises StoreUnavailable where nobody says whether."""
        first = (await self._send(steps)).first()
        if first is None:
            raise StoreUnavailable("a node did not say whether a conditional write was made: look at the nodes' logs")
        found = first.as_dict()
        return None if found.pop("[applied]") else Refusal(found)

    def forget(self, text: str) -> None:
        """Prepare anew what has this text in it: a table was made anew, or has gone."""
        for name in [name for name in self._prepared if text in name]:
            del self._prepared[name]

    async def _send(self, steps: Sequence[Step]) -> _Result:
        levels = self.levels
        async with self._sending() as driver:
            if len(steps) == 1:
                [(name, parameters)] = steps
                statement = await self._statement(name)
                return await driver.execute(
                    statement.bind(parameters, consistency=levels.plain, serial_consistency=levels.serial)
                )
            batch = cast("_Batch", acsylla.create_batch_unlogged())
            batch.set_consistency(levels.plain)
            batch.set_serial_consistency(levels.serial)
            for name, parameters in steps:
                batch.add_statement((await self._statement(name)).bind(parameters))
            return await driver.execute_batch(batch)

    @asynccontextmanager
    async def _sending(self) -> AsyncGenerator[_Driver, None]:
        if self._driver is None:
            raise StoreClosed("this Cassandra store is not open: open it with `async with` or `initialize()` first")
        async with self._room:
            try:
                yield self._driver
            except Exception as error:
                raise translated(error) from error

    async def _statement(self, name: str) -> _Prepared:
        """Prepared once, on all nodes, however many ask for it at the same time."""
        preparing = self._prepared.get(name)
        if preparing is None or (preparing.done() and (preparing.cancelled() or preparing.exception() is not None)):
            preparing = self._prepared[name] = asyncio.ensure_future(self._prepare(name))
        return await asyncio.shield(preparing)

    async def _prepare(self, name: str) -> _Prepared:
        if self._driver is None:
            raise StoreClosed("this Cassandra store was closed meanwhile")
        return await self._driver.create_prepared(self._cql.get(name, name))


def _cluster(location: Location) -> acsylla.Cluster:
    base, longest = _RECONNECT_MS
    return acsylla.create_cluster(
        list(location.hosts),
        port=location.port,
        username=location.user or None,
        password=location.password or None,
        connect_timeout=location.connect_timeout,
        log_level="disabled",  # its words would come by a thread that outlives the loop they are for
        request_timeout=location.request_timeout,
        protocol_version=4,
        retry_policy="fallthrough",
        speculative_execution_policy=None,
        load_balance_dc_aware=location.data_center or None,
        exponential_reconnect_base_delay_ms=base,
        exponential_reconnect_max_delay_ms=longest,
        ssl_enabled=bool(location.ca_file),
        ssl_trusted_cert=_text_of(location.ca_file),
        application_name="headwater",
    )


def _text_of(file: str) -> str | None:
    if not file:
        return None
    with open(file, encoding="ascii") as certificate:
        return certificate.read()
