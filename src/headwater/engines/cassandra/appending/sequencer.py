"""Sequencer: has one partition of the log grow, for as long as this process has the lease of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from headwater.engines.cassandra.appending.hints import Hints
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.appending.under_way import UnderWay
from headwater.engines.cassandra.protocol.leasing import acquire, release
from headwater.engines.cassandra.protocol.ownership import Ownership
from headwater.engines.cassandra.protocol.reconciling import scan, scan_all
from headwater.engines.cassandra.protocol.rows import Intent, LeaseRow, Logged, LogRow
from headwater.engines.cassandra.protocol.sequencing import work_round
from headwater.engines.cassandra.protocol.settling import settle
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.protocol.takeover import take_over

__all__ = ["Sequencer", "Told"]

Told: TypeAlias = Callable[[int, Sequence[Logged]], None]
"""Told the partition, and which rows have come there."""

_LEASE: Final = 10.0
_RENEWED_AFTER: Final = 3.0
_FIRST_POLL: Final = 0.02
_LONGEST_POLL: Final = 0.5
_SETTLED_AFTER: Final = 0.1
_RECONCILED_AFTER: Final = 60.0
"""Seconds. Polls are for appends of other processes; they are further apart the longer nothing was found."""
_MICROS: Final = 1_000_000


class Sequencer:
    """Its lease is told by the machine's clock and by seconds of its own: two owners at once harm nothing."""

    def __init__(
        self,
        part: int,
        owner: str,
        performer: Performer,
        shape: Shape,
        hints: Hints,
        under_way: UnderWay,
        logged: Told,
        settled: Told,
    ) -> None:
        self.part = part
        self._owner = owner
        self._run = performer.run
        self._shape = shape
        self._hints = hints
        self._under_way = under_way
        self._logged = logged
        self._settled = settled
        self._lease: LeaseRow | None = None
        self._renew_at = 0.0
        self.failure: Exception | None = None
        """Why it stands still, where it does."""

    @property
    def is_owner(self) -> bool:
        return self._lease is not None

    async def work(self) -> None:
        """Until it is cancelled; it gives back the lease then, with `stop`."""
        while True:
            try:
                if await self._has_lease():
                    await self._own()
                self.failure = None
            except Exception as error:  # whatever it is: who stands still says why, and tries again
                self.failure = error
            self._lease = None
            await asyncio.sleep(random.uniform(0.5, 1.0) * _RENEWED_AFTER / 3)  # noqa: S311 - no secret

    async def stop(self) -> None:
        """Give the lease back, so that nobody waits for it to expire."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await self._run(release(self._name, lease))

    @property
    def _name(self) -> str:
        return f"sequencer:{self.part}"

    async def _has_lease(self) -> bool:
        if self._lease is not None and _now() < self._renew_at:
            return True
        self._lease = await self._run(
            acquire(self._name, self._owner, time.time_ns() // 1_000, round(_LEASE * _MICROS))
        )
        self._renew_at = _now() + _RENEWED_AFTER
        return self._lease is not None

    async def _own(self) -> None:
        """Rounds, from a takeover to the loss of the lease, or of the log to another owner."""
        owner = await self._run(take_over(self.part, self._shape, time.monotonic))
        turn = _Turn(owner, self._shape)
        while await self._has_lease():
            hints = self._hints.take()
            intents = await self._scan(turn) if turn.must_scan or not hints else None
            done = await self._run(work_round(owner, intents, hints, self._shape, _now(), lazy=True))
            if done.lost:
                return
            self._hints.give_back(hints, done.decided)
            turn.took(done.logged)
            self._logged(self.part, [row.logged for row in done.logged])
            if turn.must_settle:
                owed = list(owner.owed)
                await self._run(settle(owner))
                turn.settled()
                self._settled(self.part, owed)
            if intents is None or not done.logged:
                await self._hints.wait(turn.poll)

    async def _scan(self, turn: _Turn) -> Sequence[Intent]:
        if turn.must_reconcile:
            found = await self._run(scan_all(self.part))
        else:
            slots = turn.slots(time.time_ns() // 1_000) | self._under_way.take_doubtful(self.part)
            found = await self._run(scan(self.part, slots))
        return self._under_way.others(found)


class _Turn:
    """When an owner does what it does not do in every round."""

    def __init__(self, owner: Ownership, shape: Shape) -> None:
        self._owner = owner
        self._shape = shape
        self._scan_at = 0.0
        self._settle_at = 0.0
        self._reconcile_at = 0.0
        self._idle = 0
        self.poll = _FIRST_POLL

    @property
    def must_reconcile(self) -> bool:
        """At the beginning, and once in a while: what lies in slots long past is found by this alone."""
        if _now() < self._reconcile_at:
            return False
        self._reconcile_at = _now() + _RECONCILED_AFTER * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        return True

    @property
    def must_scan(self) -> bool:
        return _now() >= self._scan_at

    def slots(self, micros: int) -> set[int]:
        """Those that writers are in now, by a clock not too far from ours, and those that have something left."""
        self._scan_at = _now() + _LONGEST_POLL
        slot = self._shape.slot_of(micros)
        return {slot - 1, slot, *self._owner.pending_slots}

    def took(self, logged: Sequence[LogRow]) -> None:
        self.poll = _FIRST_POLL if logged else min(self.poll * 2, _LONGEST_POLL)
        if logged and not self._settle_at:
            self._settle_at = _now() + _SETTLED_AFTER
        self._idle = 0 if logged else self._idle + 1

    @property
    def must_settle(self) -> bool:
        """At once where there is nothing else to do, and before long in any case."""
        return bool(self._owner.owed) and (self._idle > 0 or _now() >= self._settle_at)

    def settled(self) -> None:
        self._settle_at = 0.0


def _now() -> float:
    return asyncio.get_running_loop().time()
