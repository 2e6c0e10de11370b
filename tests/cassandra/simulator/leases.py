"""Leases: workers that take, keep, lose and give back one lease, each with a clock of its own."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Mapping
from typing import cast

from headwater.engines.cassandra.protocol.core import Asked
from headwater.engines.cassandra.protocol.leasing import acquire, back_off, release
from headwater.engines.cassandra.protocol.replies import Answer, NotApplied
from headwater.engines.cassandra.protocol.request import Request
from headwater.engines.cassandra.protocol.requests import ReadLease, ReadLeaseSerially, WriteLease
from headwater.engines.cassandra.protocol.rows import LeaseRow
from headwater.errors import StoreUnavailable
from tests.cassandra.simulator.chance import Chance
from tests.cassandra.simulator.network import Network
from tests.cassandra.simulator.partition import Fate
from tests.cassandra.simulator.partitions import Partitions
from tests.cassandra.simulator.process import Process
from tests.cassandra.simulator.variant import LeaseVariant
from tests.cassandra.simulator.violation import Violation

__all__ = ["run_leases"]

TTL = 30
STEP = 3_600_000_000
WORKERS = 3
STEPS = 150
NOBODY = LeaseRow("", 0, 0, 0)


class LeaseWorld:
    """One lease, and every row it ever was."""

    def __init__(self, chance: Chance, variant: LeaseVariant) -> None:
        self._chance = chance
        self._variant = variant
        self._partitions = Partitions(chance, variant.commits_late, self._decided)
        self.history = [NOBODY]
        self.time = 0

    def perform(self, request: Request[object], fate: Fate) -> object:
        if isinstance(request, ReadLease):
            return _row(self._partitions.of(request.name).seen_statics(self._chance))
        if isinstance(request, ReadLeaseSerially):
            return _row(self._partitions.resolved(request.name).statics)
        return self._write(cast("WriteLease", request), fate)

    def _write(self, request: WriteLease, fate: Fate) -> Answer[LeaseRow | None]:
        expected, statics = {"row": request.seen}, {"row": request.row}
        answer = self._partitions.compare_and_set(request.name, expected, statics, {}, fate)
        return NotApplied(_row(answer.row.statics)) if isinstance(answer, NotApplied) else answer

    def _decided(self, _: Hashable, statics: Mapping[str, object], __: Mapping[int, object]) -> None:
        before, row = self.history[-1], cast("LeaseRow", _row(statics))
        changes = row.owner not in (before.owner, "")
        if row.epoch < before.epoch or (changes and row.epoch == before.epoch):
            raise Violation("L1 an epoch has two owners")
        if changes and not self._variant.steps and before.expires_at > self.time + self._variant.skew:
            raise Violation("L2 a lease is taken before it expires")
        self.history.append(row)


def _row(statics: Mapping[str, object]) -> LeaseRow | None:
    return cast("LeaseRow | None", statics.get("row"))


class Lessees:
    """Workers of one schedule."""

    def __init__(self, chance: Chance, variant: LeaseVariant, world: LeaseWorld) -> None:
        self._chance = chance
        self._variant = variant
        self._world = world
        self.acquired = 0

    def worker(self, name: str) -> Generator[Asked, object, None]:
        """Takes the lease when it can, keeps it for a while, and gives it back, or does not."""
        chance, world = self._chance, self._world
        skew = chance.pick(2 * self._variant.skew + 1) - self._variant.skew
        while True:
            now, known = world.time + skew, len(world.history) - 1
            try:
                lease = yield from acquire("work", name, now, TTL)
            except StoreUnavailable:
                continue
            if lease is None:
                continue
            if lease not in world.history[known:]:
                raise Violation("L3 somebody is told to have a lease that was never written")
            self.acquired += 1
            if chance.pick(4) == 0:
                yield from release("work", lease)
            elif chance.pick(4) == 0:
                yield from back_off("work", lease, world.time + skew, TTL)


def run_leases(seed: int, variant: LeaseVariant) -> tuple[int, str | None]:
    """How often somebody got the lease, and the violation that ended the schedule."""
    chance = Chance(seed)
    world = LeaseWorld(chance, variant)
    lessees = Lessees(chance, variant, world)
    network = Network(chance, world.perform, variant.faults, 0.05, 0.02)
    processes = [Process(lessees.worker(f"w{n}"), "worker") for n in range(WORKERS)]
    try:
        while network.steps < STEPS:
            world.time += chance.pick(4)
            if variant.steps and chance.happens(0.02):
                world.time -= STEP
            if network.under_way and chance.happens(0.1):
                network.arrive()
                continue
            at = chance.pick(WORKERS)
            if not network.step(processes[at]):
                processes[at] = Process(lessees.worker(f"w{at}.{network.steps}"), "worker")
        _check_liveness(network, world, lessees, -STEP if variant.steps else 10 * TTL)
    except Violation as error:
        return lessees.acquired, str(error)
    return lessees.acquired, None


def _check_liveness(network: Network, world: LeaseWorld, lessees: Lessees, passes: int) -> None:
    """Once it has expired by everybody's clock, or the clocks have stepped back, whoever comes next gets it."""
    network.calm = True
    world.time += passes
    last, before = Process(lessees.worker("last"), "worker"), lessees.acquired
    for _ in range(50):
        network.step(last)
        if lessees.acquired > before:
            return
    raise Violation("STUCK nobody gets a lease that has expired")
