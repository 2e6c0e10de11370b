"""Schedule: who goes next, what goes wrong, and what must be true in the end."""

from __future__ import annotations

import msgspec

from headwater.errors import StoreCorrupt
from tests.cassandra.simulator.chance import Chance
from tests.cassandra.simulator.network import Network
from tests.cassandra.simulator.process import Process
from tests.cassandra.simulator.roles import Roles
from tests.cassandra.simulator.variant import Variant
from tests.cassandra.simulator.violation import Violation
from tests.cassandra.simulator.world import World

__all__ = ["Ran", "run"]

MOST_STEPS = 3_000
MOST_CALM_STEPS = 6_000
WEIGHTS = (0.02, 1.0, 1.0, 6.0)
WAITING = 0.02


class Ran(msgspec.Struct, frozen=True):
    """What a schedule came to."""

    seed: int
    events: int
    steps: int
    replays: int
    violation: str | None = None


def run(seed: int, variant: Variant) -> Ran:
    """One schedule, to its end or to its first violation."""
    schedule = Schedule(seed, variant)
    violation = None
    try:
        schedule.run()
        schedule.come_to_rest()
    except Violation as error:
        violation = str(error)
    except StoreCorrupt:
        violation = "CORRUPT the log ends before what is settled"
    truth = schedule.world.truth
    return Ran(seed, len(truth.events), schedule.network.steps, truth.replays, violation)


class Schedule:
    """One run of a variant."""

    def __init__(self, seed: int, variant: Variant) -> None:
        self.world = World(Chance(seed), variant.shape, variant.commits_late)
        self._chance = self.world.chance
        self._variant = variant
        self._roles = Roles(self._chance, variant, self.world.truth)
        self.network = Network(self._chance, self.world.perform, variant.faults, variant.unanswered, variant.crashes)
        self._processes = [Process(self._roles.writer(f"w{n}"), "writer") for n in range(variant.writers)]
        self._processes += [self._sequencer() for _ in range(variant.sequencers)]
        if variant.keys:
            self._processes.append(Process(self._roles.looker(), "looker"))
        if variant.trims:
            self._processes.append(Process(self._roles.trimmer(), "trimmer"))

    def _sequencer(self) -> Process:
        return Process(self._roles.sequencer(self._variant.rounds), "sequencer")

    def run(self) -> None:
        """Until no writer is left. Whoever is slow becomes fast, and the other way round, now and then."""
        chance, network, processes = self._chance, self.network, self._processes
        weights = [1.0] * len(processes)
        writers = self._variant.writers
        while writers and network.steps < MOST_STEPS:
            if chance.happens(0.04):
                weights = [WEIGHTS[chance.pick(4)] for _ in processes]
            if network.under_way and chance.happens(self._variant.arrives):
                network.arrive()
                continue
            at = self._next(weights)
            process = processes[at]
            going = network.step(process)
            if network.waits:
                weights[at] = WAITING
            if not going:
                del processes[at], weights[at]
                if process.kind == "writer":
                    writers -= 1
                elif process.kind == "sequencer":
                    processes.append(self._sequencer())
                    weights.append(1.0)

    def _next(self, weights: list[float]) -> int:
        left, at = self._chance.random() * sum(weights), 0
        while at < len(weights) - 1 and left >= weights[at]:
            left -= weights[at]
            at += 1
        return at

    def come_to_rest(self) -> None:
        """Nothing goes wrong any more, but for what is under way; then everything must be there, and no intent."""
        chance, network = self._chance, self.network
        for process in self._processes:
            if process.kind == "sequencer" and chance.pick(2):
                network.leave_behind(process)
        network.calm, idle = True, 0
        claimers = [Process(self._roles.late_claimer(number), "late") for number in range(self._variant.keys)]
        last: Process | None = None
        for _ in range(MOST_CALM_STEPS):
            if last is None:
                last = Process(self._roles.sequencer(2, final=True), "last")
            if network.under_way and chance.pick(40) == 0:
                network.arrive()
            if claimers and not network.under_way and idle > 0:
                if not network.step(claimers[-1]):
                    claimers.pop()
                continue
            if network.step(last):
                continue
            last = None
            if network.under_way:
                continue
            idle += 1
            if idle == 1:
                self.world.repair()
            if idle >= 3 and (idle >= 12 or not self.world.intents_left()):
                break
        self.world.check_end()
