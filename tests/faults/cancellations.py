"""cancellations: awaits are cancelled at random; nothing is left open, nothing is done by half."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from itertools import count
from typing import TypeAlias
from unittest.mock import patch

import msgspec

from headwater import AnyVersion, CQRSManager, Key, ReadModel, RunnerOptions
from headwater.domain.append import Append
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.engine import PostgresEngine
from headwater.engines.sqlite.engine import SqliteEngine
from headwater.errors import ConsistencyTimeout, HeadwaterError, UniqueKeyTaken
from headwater.models.changes import Accumulate
from tests.faults.counting import miscounts
from tests.faults.folder import a_folder
from tests.faults.history import Ack, Findings, History, check
from tests.faults.leftovers import SESSIONS, Leftovers, PostgresLeftovers, SqliteLeftovers
from tests.faults.marks import CountMarks, GetMarkCount, MarkCount, PutMarks, get_mark_count, put_marks
from tests.faults.operation import Operation, operation
from tests.faults.postgres_servers import a_server, with_options
from tests.faults.reading import damages, held
from tests.faults.report import Row, control, row

__all__ = ["cancel", "cancel_carelessly", "cancel_on_postgres"]

STREAMS = 8
CALLERS = 16
LIMIT = 180
"""Seconds after which nothing more is begun."""

Call: TypeAlias = Callable[[], Coroutine[object, object, object]]


class Left(ReadModel, table="cancelled_left"):
    """One half of what is written together."""

    name: Key[str]
    number: int = 0


class Right(ReadModel, table="cancelled_right"):
    """The other half."""

    name: Key[str]
    number: int = 0


class Calls:
    """What is cancelled: every kind of call an application makes."""

    def __init__(self, cqrs: CQRSManager, chance: random.Random) -> None:
        self._cqrs = cqrs
        self._chance = chance
        self._numbers = count(1)
        self.acks: list[Ack] = []
        self.refusals: list[str] = []
        self.written = 0
        """Acknowledged writes of both halves."""
        self.all: tuple[Call, ...] = (
            self.append, self.append, self.append_with_changes, self.execute, self.execute_and_wait, self.load,
            self.fold, self.read_log, self.query, self.find, self.write, self.write, self.caught_up,
        )  # fmt: skip

    async def append(self) -> None:
        made = self._operation("append")
        await self._append(made, made.append(AnyVersion()))

    async def append_with_changes(self) -> None:
        """It has a transaction of its own, in which rows are written, too."""
        made = self._operation("changing")
        await self._append(made, msgspec.structs.replace(made.append(AnyVersion()), changes=halves("changing", 1)))

    async def write(self) -> None:
        await self._cqrs.engine.projections.write(halves("written", 1))
        self.written += 1

    async def execute(self) -> None:
        await self._put(())

    async def execute_and_wait(self) -> None:
        await self._put([CountMarks])

    async def load(self) -> object:
        return await self._cqrs.engine.events.load(operation(self._old(), STREAMS).stream)

    async def fold(self) -> object:
        return await self._cqrs.engine.events.fold_rows(operation(self._old(), STREAMS).stream)

    async def read_log(self) -> None:
        async for _ in self._cqrs.read_log(limit=200):
            pass

    async def query(self) -> object:
        return await self._cqrs.queries.execute(GetMarkCount(stream=f"marked-s{self._chance.randrange(STREAMS)}"))

    async def find(self) -> object:
        return await self._cqrs.read_models.find(MarkCount, limit=10)

    async def caught_up(self) -> None:
        await self._cqrs.synchronizer.caught_up()

    async def _put(self, wait_for: list[type[CountMarks]] | tuple[()]) -> None:
        id, number = f"command.{next(self._numbers)}", self._chance.randint(1, 3)
        command = PutMarks(id=id, stream=f"s{self._chance.randrange(1_000)}", number=number)
        receipt = await self._cqrs.commands.execute(command, command_id=id, wait_for=wait_for)
        self.acks += [Ack(id, stream, last - number + 1, last) for stream, last in receipt.token.writes]

    async def _append(self, made: Operation, append: Append) -> None:
        try:
            appended = await self._cqrs.engine.events.append(append)
        except UniqueKeyTaken:
            return
        self.acks += [Ack(made.id, write.stream, write.first, write.last) for write in appended.writes]

    def _operation(self, kind: str) -> Operation:
        return operation(f"{kind}.{next(self._numbers)}", STREAMS)

    def _old(self) -> str:
        return f"append.{self._chance.randrange(1, 1_000)}"


def halves(name: str, number: int) -> tuple[Accumulate, Accumulate]:
    """Changes of two read models, of which each is one statement or more."""
    add: dict[str, object] = {"number": number}
    return Accumulate(Left, name, Left(name=name), add=add), Accumulate(Right, name, Right(name=name), add=add)


class Cancelled(msgspec.Struct):
    """What was acknowledged, cancelled, found."""

    acks: int
    calls: int
    findings: Findings


async def cancel(cancellations: int, seed: int = 4) -> Row:
    """Cancel so many calls, and the projection among them; then look at everything."""
    with a_folder() as folder:
        path = folder / "store.db"
        cqrs = _application(f"sqlite:///{path}")
        assert isinstance(cqrs.engine, SqliteEngine)
        async with cqrs:
            done = await _cancel_in(cqrs, SqliteLeftovers(cqrs.engine, path), cancellations, seed)
    return row("cancelled awaits leave nothing open and nothing by half", done.acks, done.calls, done.findings)


async def cancel_on_postgres(cancellations: int, seed: int = 4) -> Row:
    """The same on a server, which is asked what it still holds."""
    done = await _cancel_on_server(cancellations, seed)
    return row("PostgreSQL: cancelled awaits leave nothing open, nothing by half", done.acks, done.calls, done.findings)


async def cancel_carelessly(cancellations: int, seed: int = 4) -> Row:
    """The control: who is cancelled inside a transaction commits what is done of it."""

    async def commit(connection: Connection) -> None:
        await connection.execute("COMMIT")

    with patch("headwater.engines.postgres.connection.roll_back", commit):
        done = await _cancel_on_server(cancellations, seed, only_writes=True)
    done.findings.lost += done.findings.other
    return control("what is cancelled is committed as far as it is", done.acks, done.calls, done.findings)


async def _cancel_on_server(cancellations: int, seed: int, only_writes: bool = False) -> Cancelled:
    async with a_server() as server:
        # Without TLS: who is cancelled while it asks for that makes the driver tell of an exception that nobody saw.
        cqrs = _application(with_options(server.url, partitions=1, sslmode="disable"))
        assert isinstance(cqrs.engine, PostgresEngine)
        async with cqrs:
            done = await _cancel_in(cqrs, PostgresLeftovers(cqrs.engine, server), cancellations, seed, only_writes)
        if await asyncio.to_thread(server.query, SESSIONS) != "0":
            done.findings.other.append("a session is left on the server after the store was closed")
    return done


def _application(url: str) -> CQRSManager:
    return CQRSManager(
        url,
        handlers=[put_marks, get_mark_count],
        projections=[CountMarks()],
        read_models=[Left, Right],
        runner=RunnerOptions(batch_size=20, lease_seconds=1),
    )


async def _cancel_in(
    cqrs: CQRSManager, leftovers: Leftovers, cancellations: int, seed: int, only_writes: bool = False
) -> Cancelled:
    chance, findings = random.Random(seed), Findings()
    calls = Calls(cqrs, chance)
    if only_writes:
        calls.all = (calls.write,)
    await calls.append()
    await cqrs.synchronizer.caught_up()  # the projection holds its lease, and keeps it in a task of its own
    before = leftovers.sizes()
    cancelled = await _cancel_all(cqrs, calls, cancellations, chance)
    await cqrs.synchronizer.caught_up()
    if (after := await _settled(cqrs, leftovers, before)) != before:
        findings.other.append(f"sizes were {before} and are {after}")
    findings.other += calls.refusals + await leftovers.left_open()
    stored = await held(cqrs.engine)
    findings.add(check(History(acks=calls.acks), stored))
    findings.other += await damages(cqrs.engine)
    findings.add((await miscounts(cqrs))[1])
    changing = {event.id for event in stored.events if event.id.startswith("changing.")}
    findings.add(await _torn(cqrs, len(changing), calls.written))
    await calls.append()
    return Cancelled(len(calls.acks) + calls.written, cancelled, findings)


async def _torn(cqrs: CQRSManager, changing: int, written: int) -> Findings:
    """Changes come with their append, and both halves of them."""
    found = Findings()
    left = {row.name: row.number for row in await cqrs.read_models.find(Left)}
    right = {row.name: row.number for row in await cqrs.read_models.find(Right)}
    for name in left.keys() | right.keys():
        torn = abs(left.get(name, 0) - right.get(name, 0))
        found.other += [f"what {name} did is there by half"] * torn
    if left.get("changing", 0) != changing:
        found.other.append(f"{changing} appends had changes, and {left.get('changing', 0)} were made")
    if left.get("written", 0) < written:
        found.lost.append(f"{written} changes were acknowledged, {left.get('written', 0)} are there")
    return found


async def _cancel_all(cqrs: CQRSManager, calls: Calls, wanted: int, chance: random.Random) -> int:
    done = 0
    loop = asyncio.get_running_loop()
    ends = loop.time() + LIMIT

    async def caller() -> None:
        nonlocal done
        while done < wanted and loop.time() < ends:
            was_cancelled = await _cancelled(calls, chance)
            done += was_cancelled  # not in one: `done` would be the one from before the await

    async def stopper() -> None:
        nonlocal done
        while done < wanted and loop.time() < ends:
            await asyncio.sleep(chance.uniform(0, chance.choice((0.05, 0.5))))
            await cqrs.synchronizer.stop(drain=0)
            done += 1
            await cqrs.synchronizer.start()

    await asyncio.gather(stopper(), *(caller() for _ in range(CALLERS)))
    return done


async def _cancelled(calls: Calls, chance: random.Random) -> bool:
    """Begin a call and cancel it a few turns of the loop, or a moment, later; False if it ended before.

    One in five is let be: what is cancelled is cancelled among calls that go on.
    """
    task = asyncio.create_task(chance.choice(calls.all)())
    how = chance.random()
    if how < 0.4:
        for _ in range(chance.randrange(8)):
            await asyncio.sleep(0)
    elif how < 0.8:
        await asyncio.wait((task,), timeout=chance.choice((0.001, 0.004, 0.016, 0.1)) * chance.random())
    if how < 0.8:
        task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    except ConsistencyTimeout:  # the projection is stopped too often
        pass
    except HeadwaterError as error:
        calls.refusals.append(f"a call was refused: {error!r}")
    return False


async def _settled(cqrs: CQRSManager, leftovers: Leftovers, wanted: dict[str, int]) -> dict[str, int]:
    """The sizes once they are as wanted, or after five seconds: a projection at rest looks for work now and then."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            while leftovers.sizes() != wanted:
                await cqrs.engine.log.head(0)
    return leftovers.sizes()
