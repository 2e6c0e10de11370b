"""Copied log: what a copy has appended comes into the log in the order in which it was given."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from itertools import takewhile

from headwater.domain.event import StoredEvent
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.appending.sequencer import Told
from headwater.engines.cassandra.protocol.ownership import Ownership
from headwater.engines.cassandra.protocol.rows import ChunkKey, Hint
from headwater.engines.cassandra.protocol.sequencing import Collected, work_round
from headwater.engines.cassandra.protocol.settling import settle
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.protocol.takeover import take_over
from headwater.errors import StoreUnavailable

__all__ = ["CopiedLog"]


class CopiedLog:
    """Works as a sequencer does, but for the order, while a copy holds the sequencers' leases. Were another process to
    work all the same, each event would still come into the log once, and each stream in its order."""

    def __init__(self, performer: Performer, logged: Told, settled: Told, patience: float) -> None:
        self._run = performer.run
        self._logged = logged
        self._settled = settled
        self._patience = patience
        self._owners: dict[int, Ownership] = {}
        self._shape = Shape()

    def start(self, shape: Shape) -> None:
        """Work on a store of this shape; how far its log is settled is not known yet."""
        self._shape = shape
        self._owners.clear()

    async def own(self, part: int) -> None:
        """Know a partition from now on, before anything is appended to its streams."""
        if part not in self._owners:
            self._owners[part] = await self._run(take_over(part, self._shape, time.monotonic))

    async def extend(
        self, part: int, hints: Sequence[Hint], chunks: Collection[ChunkKey], given: Sequence[StoredEvent]
    ) -> None:
        """Log what was appended just now, and all else that these chunks have, the events given in their order.

        Raises StoreUnavailable where it does not get on for a while: all of it is kept, and to be given again.
        """
        owner = self._owners.pop(part)  # and put back if all is well
        order = _Order(given)
        ends_at = time.monotonic() + self._patience
        while True:
            done = await self._run(work_round(owner, None, hints, self._shape, 0.0, True, order.of, chunks))
            self._logged(part, [row.logged for row in done.logged])
            if done.logged:
                ends_at = time.monotonic() + self._patience
            if done.lost:
                owner = await self._run(take_over(part, self._shape, time.monotonic))
            elif len(done.logged) == order.collected < self._shape.events_per_log_batch:
                break
            if time.monotonic() >= ends_at:
                raise StoreUnavailable(f"partition {part} of the log does not take in what was given: give it again")
        owed = list(owner.owed)
        await self._run(settle(owner))
        self._settled(part, owed)
        self._owners[part] = owner


class _Order:
    """Rows by the order given; of what was not given, each where its stream wants it."""

    def __init__(self, given: Sequence[StoredEvent]) -> None:
        self._given = [(event.stream, event.version) for event in given]
        self._firsts: dict[str, int] = dict(reversed(self._given))
        self.collected = 0
        """How many rows there were in the last round."""

    def of(self, rows: Collected) -> Collected:
        """Up to the first that was given and is yet to be seen."""
        self.collected = len(rows)
        found = {(stream, row.version): ((stream, chunk), row) for (stream, chunk), row in rows}
        firsts = dict(reversed(found))
        below = [place for place in found if place[1] < self._firsts[place[0]]]
        ahead = [place for place in self._given if place[0] in firsts and place[1] >= firsts[place[0]]]
        seen = list(takewhile(found.__contains__, ahead))
        above = found.keys() - {*below, *ahead} if seen == ahead else ()
        return [found[place] for place in (*below, *seen, *sorted(above))]
