"""What comes while a request to a partition is on its way goes with the next one."""

from __future__ import annotations

import asyncio

import pytest

from headwater.engines.cassandra.session import Step
from headwater.engines.cassandra.tables.gathering import Gathering
from headwater.errors import StoreUnavailable


class Wire:
    """Requests that are answered when told to."""

    def __init__(self) -> None:
        self.requests = list[list[str]]()
        self.answers = list[asyncio.Future[None]]()
        self.gathering = Gathering(self._write)

    async def _write(self, *steps: Step) -> None:
        self.requests.append([name for name, _ in steps])
        self.answers.append(asyncio.get_running_loop().create_future())
        await self.answers[-1]

    def begin(self, partition: str, *names: str) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.gathering.write(partition, (name, ()))) for name in names]

    async def until(self, requests: int) -> None:
        for _ in range(20):
            if len(self.requests) >= requests:
                return
            await asyncio.sleep(0)
        pytest.fail(f"of {requests} requests there are {self.requests}")


@pytest.fixture
def wire() -> Wire:
    return Wire()


async def test_what_comes_meanwhile_goes_together(wire: Wire) -> None:
    writes = wire.begin("p", "a", "b", "c")
    await wire.until(1)
    await asyncio.sleep(0)
    assert wire.requests == [["a"]]
    wire.answers[0].set_result(None)
    await wire.until(2)
    assert wire.requests == [["a"], ["b", "c"]]
    assert [write.done() for write in writes] == [True, False, False]
    wire.answers[1].set_result(None)
    await asyncio.gather(*writes)


async def test_partitions_do_not_wait_for_each_other(wire: Wire) -> None:
    writes = [*wire.begin("p", "a"), *wire.begin("q", "b")]
    await wire.until(2)
    for answer in wire.answers:
        answer.set_result(None)
    await asyncio.gather(*writes)
    again = wire.begin("p", "c")
    await wire.until(3)
    assert wire.requests == [["a"], ["b"], ["c"]]
    wire.answers[2].set_result(None)
    await asyncio.gather(*again)


async def test_what_fails_fails_for_its_own_and_the_others_go_on(wire: Wire) -> None:
    first, *writes = wire.begin("p", "a", "b", "c")
    await wire.until(1)
    await asyncio.sleep(0)
    wire.answers[0].set_exception(StoreUnavailable("no answer"))
    await wire.until(2)
    with pytest.raises(StoreUnavailable):
        await first
    [last] = wire.begin("p", "d")
    await asyncio.sleep(0)
    wire.answers[1].set_exception(StoreUnavailable("no answer"))
    await wire.until(3)
    assert [type(found) for found in await asyncio.gather(*writes, return_exceptions=True)] == [StoreUnavailable] * 2
    wire.answers[2].set_result(None)
    await last
    assert wire.requests == [["a"], ["b", "c"], ["d"]]


async def test_who_does_not_wait_any_more_is_not_sent_and_holds_nobody_up(wire: Wire) -> None:
    first, gone, last = wire.begin("p", "a", "b", "c")
    await wire.until(1)
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    first.cancel()
    await wire.until(2)
    assert wire.requests == [["a"], ["c"]]
    wire.answers[1].set_result(None)
    await last


async def test_a_request_holds_so_many_at_most(wire: Wire) -> None:
    writes = wire.begin("p", *[str(number) for number in range(151)])
    await wire.until(1)
    await asyncio.sleep(0)
    for request in range(3):
        await wire.until(request + 1)
        wire.answers[request].set_result(None)
    await asyncio.gather(*writes)
    assert [len(request) for request in wire.requests] == [1, 100, 50]
