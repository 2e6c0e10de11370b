"""breaking: the server killed, frozen, cut off, its replies swallowed, under writers that are never started anew."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable

from headwater.domain.append import Appended
from headwater.domain.version import AnyVersion, Exact, ExpectedVersion
from headwater.engines.postgres import open_engine
from headwater.errors import AppendOutcomeUnknown, StoreError, UniqueKeyTaken, WrongExpectedVersion
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.servers import PostgresServer
from tests.faults.history import Ack, Findings, History, Refusal, check
from tests.faults.operation import operation
from tests.faults.postgres_servers import a_server, with_options
from tests.faults.proxy import Mode, Proxy, a_proxy
from tests.faults.reading import damages, held
from tests.faults.report import Row, control, row

__all__ = ["break_server", "trust_replies"]

WRITERS = 12
STREAMS = 8
LIMIT = 420
"""Seconds after which no more is broken, whatever was reached."""
PATIENCE = 60
"""Seconds in which an append has to be acknowledged once all is well again."""


class Writers:
    """Callers of one engine, each with one append under way; what they are told is kept."""

    def __init__(self, engine: Engine, name: str, gives_up: bool = False) -> None:
        self.history = History()
        self.unknown = 0
        self._engine = engine
        self._name = name
        self._gives_up = gives_up
        self._heads: dict[str, int] = {}
        self._numbers = iter(range(10**9))
        self._ended = False
        self._acknowledged = asyncio.Event()
        self._tasks = [asyncio.create_task(self._write(random.Random(seed))) for seed in range(WRITERS)]

    async def until_acknowledged(self) -> float:
        """Seconds until an append that was called from now on is acknowledged."""
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            while not self.history.acks or self.history.acks[-1].called < began:
                self._acknowledged.clear()
                await self._acknowledged.wait()
        return time.monotonic() - began

    async def until(self, acks: int) -> None:
        """Until so many are acknowledged, or nothing moves any more."""
        while len(self.history.acks) < acks:
            await self.until_acknowledged()

    async def stop(self) -> None:
        self._ended = True
        await asyncio.gather(*self._tasks)

    async def _write(self, chance: random.Random) -> None:
        while not self._ended:
            await self._append(f"{self._name}-{next(self._numbers)}", chance)

    async def _append(self, id: str, chance: random.Random) -> None:
        """One append, asked for again by its id as long as its outcome is not known."""
        what = operation(id, STREAMS)
        stream = str(what.stream)
        head = self._heads.get(stream, 0)
        expected: ExpectedVersion = Exact(head) if chance.random() < 0.3 else AnyVersion()
        called = time.monotonic()
        while True:
            try:
                appended = await self._engine.events.append(what.append(expected))
            except WrongExpectedVersion as error:
                self._heads[stream] = error.actual
                self._refused(id, stream, head, called)
                return
            except UniqueKeyTaken:
                self._refused(id, stream, None, called)
                return
            except StoreError:
                self._refused(id, stream, None, called)
                await asyncio.sleep(0.05)
                return
            except AppendOutcomeUnknown:
                self.unknown += 1
                self.history.called[id] = called
                if self._gives_up:
                    self._refused(id, stream, None, called)
                    return
                continue
            self._acked(id, appended, called)
            return

    def _acked(self, id: str, appended: Appended, called: float) -> None:
        (write,) = appended.writes
        self._heads[write.stream] = max(write.last, self._heads.get(write.stream, 0))
        self.history.acks.append(Ack(id, write.stream, write.first, write.last, called, time.monotonic()))
        self._acknowledged.set()

    def _refused(self, id: str, stream: str, expected: int | None, called: float) -> None:
        self.history.refusals.append(Refusal(id, stream, expected, called, time.monotonic()))


async def break_server(faults: int, acks: int, seed: int = 1) -> Row:
    """Break what can be broken between a process and its server, and hold what was said against what is stored."""
    chance, found = random.Random(seed), Findings()
    async with a_server() as server, a_proxy(server.url) as proxy:
        through = with_options(proxy.before(server.url), partitions=1, deadline=12, lock_timeout=3, statement_timeout=8)
        engine = open_engine(through, EngineOptions())
        await engine.open()
        writers = Writers(engine, "w")
        await writers.until(100)
        recovered: list[float] = []
        ends = time.monotonic() + LIMIT
        while len(recovered) < faults and time.monotonic() < ends:
            await chance.choice(FAULTS)(server, proxy, chance)
            recovered.append(await writers.until_acknowledged())
        await writers.until(acks)
        await writers.stop()
        await engine.close()
        found.add(await _checked(server, writers.history))
    print(
        f"  recovered in {statistics.median(recovered):.2f} s at the median, {max(recovered):.2f} s at most; "
        f"{writers.unknown} unknown outcomes told and asked for again, {proxy.swallowed} replies swallowed"
    )
    return row(
        "PostgreSQL killed, frozen, cut off, replies lost: what was said is so",
        len(writers.history.acks),
        len(recovered),
        found,
    )


async def trust_replies(faults: int) -> Row:
    """The control: a commit whose reply does not come is taken for one that is not there."""
    found = Findings()
    async with a_server() as server, a_proxy(server.url) as proxy:
        engine = open_engine(with_options(proxy.before(server.url), partitions=1), EngineOptions())
        await engine.open()

        async def not_there(*_: object) -> bool:
            raise AppendOutcomeUnknown

        setattr(engine._events._appender._groups, "_is_settled", not_there)  # noqa: B010  # a bug is planted here
        writers = Writers(engine, "c", gives_up=True)
        for _ in range(faults):
            await _swallow(server, proxy, random.Random(1))
            await writers.until_acknowledged()
        await writers.stop()
        await engine.close()
        found.lost += (await _checked(server, writers.history)).other
    return control("a lost reply to COMMIT taken for a refusal", len(writers.history.acks), faults, found)


async def _checked(server: PostgresServer, history: History) -> Findings:
    engine = open_engine(server.url, EngineOptions())
    await engine.open()
    found = check(history, await held(engine))
    found.other += await damages(engine)
    await engine.close()
    return found


# -- what is broken ------------------------------------------------------------


async def _kill(server: PostgresServer, proxy: Proxy, chance: random.Random) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(chance.uniform(0, 1))
    await asyncio.to_thread(server.start)


async def _restart(server: PostgresServer, proxy: Proxy, chance: random.Random) -> None:
    await asyncio.to_thread(server.restart)


async def _freeze(server: PostgresServer, proxy: Proxy, chance: random.Random) -> None:
    """For a moment, or past the time in which a transaction may stand idle."""
    await asyncio.to_thread(server.freeze)
    await asyncio.sleep(chance.choice((0.2, 1.0, 2.5)))
    await asyncio.to_thread(server.thaw)


async def _cut(server: PostgresServer, proxy: Proxy, chance: random.Random) -> None:
    proxy.cut()


async def _swallow(server: PostgresServer, proxy: Proxy, chance: random.Random) -> None:
    await proxy.swallow_one()


async def _refuse(server: PostgresServer, proxy: Proxy, chance: random.Random) -> None:
    proxy.become(Mode.REFUSE)
    proxy.cut()
    await asyncio.sleep(chance.uniform(0.1, 1))
    proxy.become(Mode.PASS)


async def _hang(server: PostgresServer, proxy: Proxy, chance: random.Random) -> None:
    proxy.become(Mode.HANG)
    await asyncio.sleep(chance.choice((0.2, 1.0, 2.0)))
    if chance.random() < 0.5:
        proxy.cut()
    proxy.become(Mode.PASS)


async def _delay(server: PostgresServer, proxy: Proxy, chance: random.Random) -> None:
    proxy.become(Mode.DELAY, 0.05)
    await asyncio.sleep(0.5)
    proxy.become(Mode.PASS)


FAULTS: list[Callable[[PostgresServer, Proxy, random.Random], Awaitable[None]]] = [
    _kill, _restart, _freeze, _cut, _cut, _swallow, _swallow, _swallow, _refuse, _hang, _delay,
]  # fmt: skip
