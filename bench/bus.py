"""bus: a command sent to a no-op handler through three pass-through middlewares, nothing stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from bench.peer import peer
from bench.plan import Plan
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from headwater import Command, CommandBus, handles
from headwater.ports.middleware import CallNext

__all__ = ["measure"]


class Ping(Command[None]):
    number: int


@handles(Ping)
async def pong(command: Ping) -> None:
    return None


async def pass_through(message: object, call_next: CallNext) -> object:
    return await call_next(message)


def measure(plan: Plan) -> Iterator[Result]:
    """Against a dict look-up and await, and against three other buses with three middlewares each."""
    number = plan.size(20_000, 5_000)
    with (
        asyncio.Runner() as runner,
        peer("mediatr_bus") as mediatr,
        peer("python_cqrs_bus") as python_cqrs,
        peer("waku_bus") as waku,
    ):
        peers = {"mediatr": mediatr, "python-cqrs": python_cqrs, "waku": waku}
        samples = interleave(
            {
                "floor": lambda: timed(lambda: runner.run(_look_up(number))),
                "ours": lambda: timed(lambda: runner.run(_execute(number))),
                "mediatr": lambda: mediatr.run(number // 5),
                "python-cqrs": lambda: python_cqrs.run(number // 10),
                "waku": lambda: waku.run(number // 10),
            },
            plan.size(25, 5),
        )
        named = {name: f"{name} {other.version}" for name, other in peers.items()}
    named["floor"] = "a dict look-up and await"
    for name, goal in (("floor", 0.3), ("mediatr", 1), ("python-cqrs", 1), ("waku", 1)):
        yield Result(
            name="bus, three middlewares",
            value=median(samples["ours"], _rate),
            unit="commands/s of processor",
            better="higher",
            against=f"{named[name]}: {median(samples[name], _rate):,.0f}/s",
            ratio=median_ratio(samples["ours"], samples[name], _rate),
            goal=goal,
        )


def _rate(sample: Sample) -> float:
    """By processor time: nothing here waits for anything, and a neighbour's work must not count."""
    return sample.operations / sample.cpu


async def _look_up(number: int) -> int:
    handlers: dict[type, Callable[[Ping], Awaitable[None]]] = {Ping: pong}

    async def dispatch(command: Ping) -> None:
        await handlers[type(command)](command)

    for count in range(number):
        await dispatch(Ping(number=count))
    return number


async def _execute(number: int) -> int:
    bus = CommandBus([pong], [pass_through, pass_through, pass_through])
    for count in range(number):
        await bus.execute(Ping(number=count))
    return number
