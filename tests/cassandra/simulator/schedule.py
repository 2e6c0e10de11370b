"""Schedule: who goes next, what goes wrong, and what must be true in the end."""

from __future__ import annotations

import msgspec

from headwater.engines.cassandra.protocol.replies import FAILED, UNKNOWN
from headwater.engines.cassandra.protocol.requests import ConditionalWrite, PlainWrite, Request
from headwater.errors import StoreCorrupt
from tests.cassandra.simulator.chance import Chance
from tests.cassandra.simulator.partition import Fate
from tests.cassandra.simulator.process import Process
from tests.cassandra.simulator.roles import Roles
from tests.cassandra.simulator.truth import Violation
from tests.cassandra.simulator.variant import Variant
from tests.cassandra.simulator.world import World

__all__ = ["Ran", "run"]

MOST_STEPS = 3_000
MOST_CALM_STEPS = 6_000
WEIGHTS = (0.02, 1.0, 1.0, 6.0)
WAITING = 0.02
CONDITIONAL_FATES = (Fate.DONE, Fate.HIDDEN, Fate.VISIBLE, Fate.PARTLY, None, None)
PLAIN_FATES = (Fate.DONE, Fate.PARTLY, None, None)
"""Of a write whose reply is lost; None: it is under way still, and comes at any time or never."""


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
    return Ran(seed, len(truth.events), schedule.steps, truth.replays, violation)


class Schedule:
    """One run of a variant."""

    def __init__(self, seed: int, variant: Variant) -> None:
        self.steps = 0
        self.world = World(Chance(seed), variant.shape, variant.commits_late)
        self._chance = self.world.chance
        self._variant = variant
        self._roles = Roles(self._chance, variant, self.world.truth)
        self._calm = False
        self._waits = False
        """Whether the process that went last waits for a reply that is lost."""
        self._under_way: list[Request[object]] = []
        self._processes = [Process(self._roles.writer(f"w{n}"), "writer") for n in range(variant.writers)]
        self._processes += [self._sequencer() for _ in range(variant.sequencers)]
        if variant.trims:
            self._processes.append(Process(self._roles.trimmer(), "trimmer"))

    def _sequencer(self) -> Process:
        return Process(self._roles.sequencer(self._variant.rounds), "sequencer")

    def run(self) -> None:
        """Until no writer is left. Whoever is slow becomes fast, and the other way round, now and then."""
        chance, processes = self._chance, self._processes
        weights = [1.0] * len(processes)
        writers = self._variant.writers
        while writers and self.steps < MOST_STEPS:
            if chance.happens(0.04):
                weights = [WEIGHTS[chance.pick(4)] for _ in processes]
            if self._under_way and chance.happens(0.1):
                self._arrive()
                continue
            at = self._next(weights)
            process = processes[at]
            going = self._step(process)
            if self._waits:
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

    def _step(self, process: Process) -> bool:
        """One request of a process; False if it is over."""
        self.steps += 1
        chance = self._chance
        place, request = process.next(chance)
        conditional, plain = isinstance(request, ConditionalWrite), isinstance(request, PlainWrite)
        fate: Fate | None = Fate.DONE
        lost = dies = False
        if not self._calm:
            dies = chance.happens(self._variant.crashes)
            if conditional or plain:
                if dies or chance.happens(self._variant.faults):
                    lost = True
                    fates = CONDITIONAL_FATES if conditional else PLAIN_FATES
                    fate = fates[chance.pick(len(fates))]
            elif chance.happens(self._variant.unanswered):
                process.unanswered = True
        self._waits = lost and chance.pick(2) == 0
        if dies and chance.pick(2) and fate is not None:
            return False  # before the request was sent
        reply: object = None
        if lost and conditional and not dies and chance.pick(8) == 0:
            process.reply(place, FAILED)  # nothing was sent
            return not process.over
        if fate is None:
            self._under_way.append(request)
        else:
            reply = self.world.perform(request, fate)
        if dies:
            self._leave_behind(process)
            return False
        if lost:
            reply = UNKNOWN if conditional else False
        process.reply(place, reply)
        return not process.over

    def _leave_behind(self, process: Process) -> None:
        """What a process had sent when it died may still arrive."""
        for _, request in process.todo:
            if isinstance(request, ConditionalWrite | PlainWrite) and self._chance.pick(2):
                self._under_way.append(request)

    def _arrive(self, dropped: float = 0.25) -> None:
        request = self._under_way.pop(self._chance.pick(len(self._under_way)))
        if self._chance.happens(dropped):
            return
        hidden = isinstance(request, ConditionalWrite) and self._chance.pick(3) == 0
        self.world.perform(request, Fate.HIDDEN if hidden else Fate.DONE)

    def come_to_rest(self) -> None:
        """Nothing goes wrong any more, but for what is under way; then everything must be there, and no intent."""
        chance = self._chance
        for process in self._processes:
            if process.kind == "sequencer" and chance.pick(2):
                self._leave_behind(process)
        self._calm, idle = True, 0
        last: Process | None = None
        for _ in range(MOST_CALM_STEPS):
            if last is None:
                last = Process(self._roles.sequencer(2, final=True), "last")
            if self._under_way and chance.pick(40) == 0:
                self._arrive()
            if self._step(last):
                continue
            last = None
            if self._under_way:
                continue
            idle += 1
            if idle == 1:
                self.world.repair()
            if idle >= 3 and (idle >= 12 or not self.world.intents_left()):
                break
        self.world.truth.check_end()
        if self.world.intents_left():
            raise Violation("STUCK an intent is never deleted")
