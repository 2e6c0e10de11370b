"""Network: what becomes of a request, and of the reply."""

from __future__ import annotations

from collections.abc import Callable

from headwater.engines.cassandra.protocol.replies import FAILED, UNKNOWN
from headwater.engines.cassandra.protocol.request import ConditionalWrite, Pause, PlainWrite, Request
from tests.cassandra.simulator.chance import Chance
from tests.cassandra.simulator.partition import Fate
from tests.cassandra.simulator.process import Process

__all__ = ["Network"]

CONDITIONAL_FATES = (Fate.DONE, Fate.HIDDEN, Fate.VISIBLE, Fate.PARTLY, None, None)
PLAIN_FATES = (Fate.DONE, Fate.PARTLY, None, None)
"""Of a write whose reply is lost; None: it is under way still, and comes at any time or never."""


class Network:
    """Between processes and a store."""

    def __init__(
        self,
        chance: Chance,
        perform: Callable[[Request[object], Fate], object],
        faults: float,
        unanswered: float,
        crashes: float,
    ) -> None:
        self._chance = chance
        self._perform = perform
        self._faults = faults
        self._unanswered = unanswered
        self._crashes = crashes
        self.steps = 0
        self.calm = False
        """Nothing goes wrong any more."""
        self.waits = False
        """Whether the process that went last waits for a reply that is lost."""
        self.under_way: list[Request[object]] = []

    def step(self, process: Process) -> bool:
        """One request of a process; False if it is over."""
        self.steps += 1
        chance = self._chance
        place, request = process.next(chance)
        conditional = isinstance(request, ConditionalWrite)
        fate: Fate | None = Fate.DONE
        lost = dies = False
        if not self.calm:
            dies = chance.happens(self._crashes)
            if conditional or isinstance(request, PlainWrite):
                if dies or chance.happens(self._faults):
                    lost = True
                    fates = CONDITIONAL_FATES if conditional else PLAIN_FATES
                    fate = fates[chance.pick(len(fates))]
            elif not isinstance(request, Pause) and chance.happens(self._unanswered):
                process.unanswered = True
        self.waits = lost and chance.pick(2) == 0
        if dies and chance.pick(2) and fate is not None:
            return False  # before the request was sent
        reply: object = None
        if lost and conditional and not dies and chance.pick(8) == 0:
            process.reply(place, FAILED)  # nothing was sent
            return not process.over
        if fate is None:
            self.under_way.append(request)
        else:
            reply = self._perform(request, fate)
        if dies:
            self.leave_behind(process)
            return False
        if lost:
            reply = UNKNOWN if conditional else False
        process.reply(place, reply)
        return not process.over

    def leave_behind(self, process: Process) -> None:
        """What a process had sent when it died may still arrive."""
        for _, request in process.todo:
            if isinstance(request, ConditionalWrite | PlainWrite) and self._chance.pick(2):
                self.under_way.append(request)

    def arrive(self) -> None:
        """Something that was under way arrives, or never will."""
        request = self.under_way.pop(self._chance.pick(len(self.under_way)))
        if self._chance.pick(4) == 0:
            return
        hidden = isinstance(request, ConditionalWrite) and self._chance.pick(3) == 0
        self._perform(request, Fate.HIDDEN if hidden else Fate.DONE)
