"""cancellations: awaits are cancelled at random; nothing is left open, nothing is done by half."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import TypeAlias

import apsw

from headwater import AnyVersion, CQRSManager, RunnerOptions
from headwater.engines.sqlite.engine import SqliteEngine
from headwater.errors import StoreBusy, UniqueKeyTaken
from tests.faults.counting import miscounts
from tests.faults.folder import a_folder
from tests.faults.history import Ack, Findings, History, check
from tests.faults.marks import CountMarks, GetMarkCount, MarkCount, PutMarks, get_mark_count, put_marks
from tests.faults.operation import operation
from tests.faults.reading import damages, held
from tests.faults.report import Row, row

__all__ = ["cancel"]

STREAMS = 8
CALLERS = 16
LIMIT = 180
"""Seconds after which nothing more is begun."""

Call: TypeAlias = Callable[[], Coroutine[object, object, object]]


class Calls:
    """What is cancelled: every kind of call an application makes."""

    def __init__(self, cqrs: CQRSManager, chance: random.Random) -> None:
        self._cqrs = cqrs
        self._chance = chance
        self._numbers = count(1)
        self.acks: list[Ack] = []
        self.all: tuple[Call, ...] = (
            self.append, self.append, self.execute, self.execute_and_wait, self.load, self.fold, self.read_log,
            self.query, self.find, self.caught_up,
        )  # fmt: skip

    async def append(self) -> None:
        made = operation(f"append.{next(self._numbers)}", STREAMS)
        try:
            appended = await self._cqrs.engine.events.append(made.append(AnyVersion()))
        except UniqueKeyTaken:
            return
        self.acks += [Ack(made.id, write.stream, write.first, write.last) for write in appended.writes]

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

    def _old(self) -> str:
        return f"append.{self._chance.randrange(1, 1_000)}"


async def cancel(cancellations: int, seed: int = 4) -> Row:
    """Cancel so many calls, and the projection among them; then look at everything."""
    chance, findings = random.Random(seed), Findings()
    with a_folder() as folder:
        options = RunnerOptions(batch_size=20, lease_seconds=1)
        cqrs = CQRSManager(
            f"sqlite:///{folder}/store.db",
            handlers=[put_marks, get_mark_count],
            projections=[CountMarks()],
            runner=options,
        )
        async with cqrs:
            calls = Calls(cqrs, chance)
            await calls.append()
            await cqrs.synchronizer.caught_up()  # the projection holds its lease, and keeps it in a task of its own
            before = _sizes(cqrs)
            cancelled = await _cancel_all(cqrs, calls, cancellations, chance)
            await cqrs.synchronizer.caught_up()
            if (after := await _settled(cqrs, before)) != before:
                findings.other.append(f"sizes were {before} and are {after}")
            findings.other += await asyncio.to_thread(_left_open, folder / "store.db")
            findings.add(check(History(acks=calls.acks), await held(cqrs.engine)))
            findings.other += await damages(cqrs.engine)
            findings.add((await miscounts(cqrs))[1])
            await calls.append()
    return row("cancelled awaits leave nothing open and nothing by half", len(calls.acks), cancelled, findings)


async def _cancel_all(cqrs: CQRSManager, calls: Calls, wanted: int, chance: random.Random) -> int:
    done = 0
    loop = asyncio.get_running_loop()
    ends = loop.time() + LIMIT

    async def caller() -> None:
        nonlocal done
        while done < wanted and loop.time() < ends:
            done += await _cancelled(chance.choice(calls.all), chance)

    async def stopper() -> None:
        nonlocal done
        while done < wanted and loop.time() < ends:
            await asyncio.sleep(chance.uniform(0, 0.05))
            await cqrs.synchronizer.stop(drain=0)
            done += 1
            await cqrs.synchronizer.start()

    await asyncio.gather(stopper(), *(caller() for _ in range(CALLERS)))
    return done


async def _cancelled(call: Call, chance: random.Random) -> bool:
    """Begin a call and cancel it a few turns of the loop, or a moment, later; False if it ended before."""
    task = asyncio.create_task(call())
    if chance.random() < 0.5:
        for _ in range(chance.randrange(8)):
            await asyncio.sleep(0)
    else:
        await asyncio.wait((task,), timeout=chance.choice((0.001, 0.004, 0.016)) * chance.random())
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    except StoreBusy:
        pass
    return False


async def _settled(cqrs: CQRSManager, wanted: dict[str, int]) -> dict[str, int]:
    """The sizes once they are as wanted, or after five seconds: a projection at rest looks for work now and then."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            while _sizes(cqrs) != wanted:
                await cqrs.engine.log.head(0)
    return _sizes(cqrs)


def _sizes(cqrs: CQRSManager) -> dict[str, int]:
    """What must be as before once nothing is under way: tasks, the engine's threads, its queues."""
    engine = cqrs.engine
    assert isinstance(engine, SqliteEngine)
    return {
        "tasks": len(asyncio.all_tasks()),
        "threads": sum(thread.name.startswith("headwater") for thread in threading.enumerate()),
        "queued writes": engine._writer._queue.qsize(),
        "queued reads": engine._readers._queue.qsize(),
    }


def _left_open(path: Path) -> list[str]:
    """A transaction left open by a writer or a reader keeps the log from being cut back."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(2_000)
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").get
    connection.close()
    return ["a transaction is left open"] if busy else []
