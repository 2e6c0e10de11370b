"""cassandra_fire: three nodes killed, frozen and cut off, replies swallowed and clients killed, while many append."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from tests.faults.cassandra_checks import checked, rested
from tests.faults.cassandra_clients import Clients
from tests.faults.cassandra_servers import Cluster, opened, three_nodes
from tests.faults.following import Reader
from tests.faults.history import Findings
from tests.faults.proxy import Mode
from tests.faults.report import Row, control, row

__all__ = ["break_nodes", "plant_a_bug"]

CLIENTS = 3
OPTIONS = {"partitions": 4, "request_timeout": 3, "deadline": 10, "connect_timeout": 3}
SWALLOWED = 0.02
"""Of the replies to conditional writes, all along."""


class Load(msgspec.Struct, frozen=True):
    """How much there is to do."""

    operations: int
    seconds: float
    """After which no more is broken, whatever was reached."""
    calm: float
    """Seconds without a fault after each but the last."""


async def break_nodes(load: Load, seed: int = 1) -> Row:
    """Until there are as many operations, and each fault was met."""
    async with three_nodes() as cluster:
        direct, through = await cluster.new_store(**OPTIONS)
        clients = Clients(through, CLIENTS)
        async with opened(f"{direct}&sequencers=off") as looking:
            reader, done = Reader(looking), asyncio.Event()
            following = asyncio.create_task(reader.follow(done))
            began = time.monotonic()
            await clients.start()
            await clients.until(100)
            recovered = await _burn(cluster, clients, load, random.Random(seed))
            taken = time.monotonic() - began
            await clients.kill_all()
            await cluster.recover()
            async with opened(direct) as engine:
                found = clients.found
                found.add(await rested(engine))
                done.set()
                await following
                found.add(await checked(engine, clients.history, reader))
    swallowed = sum(proxy.swallowed for proxy in cluster.proxies)
    print(
        f"  {taken:.0f} s; after a fault an append was acknowledged in {statistics.median(recovered):.1f} s at the "
        f"median, {max(recovered):.1f} s at most; {clients.kills} clients killed, {swallowed:,} replies swallowed"
    )
    print(clients.told)
    return row(
        "Cassandra, three nodes: killed, frozen, replies lost, clients killed",
        clients.operations,
        len(recovered) + clients.kills,
        found,
    )


async def plant_a_bug(plant: str, operations: int) -> Row:
    """The control: clients without one of the rules that the others keep."""
    async with three_nodes() as cluster:
        direct, through = await cluster.new_store(**OPTIONS)
        clients = Clients(through, CLIENTS, plant)
        for proxy in cluster.proxies:
            proxy.share = 0.3
        await clients.start()
        await clients.until(operations)
        await clients.kill_all()
        async with opened(direct) as engine:
            await rested(engine)
            found = await checked(engine, clients.history, None)
    wrong = Findings(lost=[*found.lost, *found.duplicated, *found.reordered, *found.other])
    return control(f"Cassandra, clients that {plant}", clients.operations, clients.kills, wrong)


async def _burn(cluster: Cluster, clients: Clients, load: Load, chance: random.Random) -> list[float]:
    """One fault after the other, each in turn; the seconds after each until an append is acknowledged."""
    recovered: list[float] = []
    ends = time.monotonic() + load.seconds
    for proxy in cluster.proxies:
        proxy.share = SWALLOWED
    done = asyncio.Event()
    killing = asyncio.create_task(_kill_clients(clients, done, random.Random(1)))
    try:
        while time.monotonic() < ends and (clients.operations < load.operations or len(recovered) < len(FAULTS)):
            fault = FAULTS[len(recovered) % len(FAULTS)]
            await fault(cluster, chance)
            recovered.append(await clients.until_acknowledged())
            if len(recovered) % len(FAULTS) == 0:
                print(f"  {len(recovered)} faults, {clients.operations:,} operations", flush=True)
            await asyncio.sleep(load.calm)
    finally:
        done.set()
        await killing
        for proxy in cluster.proxies:
            proxy.share = 0.0
    return recovered


async def _kill_clients(clients: Clients, done: asyncio.Event, chance: random.Random) -> None:
    """Never broken off: a process that nobody knows of would go on."""
    while not done.is_set():
        await clients.kill_one(chance)
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), chance.uniform(4, 12))


# -- what is broken ------------------------------------------------------------


async def freeze_one(cluster: Cluster, chance: random.Random) -> None:
    await _frozen(cluster, chance.sample(range(3), 1), chance.uniform(2, 8))


async def freeze_two(cluster: Cluster, chance: random.Random) -> None:
    await _frozen(cluster, chance.sample(range(3), 2), chance.uniform(1, 5))


async def kill_one(cluster: Cluster, chance: random.Random) -> None:
    await _killed(cluster, chance.sample(range(3), 1), chance.uniform(0, 3))


async def kill_two(cluster: Cluster, chance: random.Random) -> None:
    await _killed(cluster, chance.sample(range(3), 2), chance.uniform(0, 1))


async def cut(cluster: Cluster, chance: random.Random) -> None:
    chance.choice(cluster.proxies).cut()


async def swallow(cluster: Cluster, chance: random.Random) -> None:
    """Many more than else, at all nodes."""
    for proxy in cluster.proxies:
        proxy.share = 0.3
    await asyncio.sleep(3)
    for proxy in cluster.proxies:
        proxy.share = SWALLOWED


async def hang(cluster: Cluster, chance: random.Random) -> None:
    proxy = chance.choice(cluster.proxies)
    proxy.become(Mode.HANG)
    await asyncio.sleep(chance.uniform(1, 4))
    proxy.become(Mode.PASS)


async def _frozen(cluster: Cluster, which: list[int], seconds: float) -> None:
    nodes = [cluster.nodes[number] for number in which]
    for node in nodes:
        node.freeze()
    await asyncio.sleep(seconds)
    for node in nodes:
        node.thaw()


async def _killed(cluster: Cluster, which: list[int], seconds: float) -> None:
    for number in which:
        cluster.nodes[number].kill()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(cluster.server.start)


FAULTS: list[Callable[[Cluster, random.Random], Awaitable[None]]] = [
    swallow, freeze_one, kill_one, cut, freeze_two, swallow, hang, kill_two,
]  # fmt: skip
