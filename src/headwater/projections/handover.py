"""Handover: when a generation that is built takes the place of the one that is served."""

from __future__ import annotations

from collections import defaultdict

from headwater.errors import RebuildRefused, StoreBusy, UnknownName
from headwater.ports.generations import Generation
from headwater.projections.parts import ProjectionParts, RunnerOptions

__all__ = ["Handover"]

_PATIENCE = 20
"""Swaps that found the served one ahead, before being near to it is enough."""
_BUSY = 12
"""Swaps one after the other that others did not let through, before it is given up."""


class Handover:
    """Tries the swap whenever it may succeed.

    Where the log never rests, the one served may be an event or two ahead at every try. After some tries it is
    handed over all the same, if it is no more than `near` offsets behind: what is served then steps back by so much
    for the moment its runner needs. Tokens do not lie meanwhile: who waits, waits for the generation that is served.

    Where others hold the rows for longer than the engine waits (a report, a dump), it is tried again after longer and
    longer pauses, in which those who wait behind it have their turn.
    """

    def __init__(self, generation: Generation, parts: ProjectionParts, options: RunnerOptions, near: int) -> None:
        self._generation = generation
        self._parts = parts
        self._options = options
        self._near = near
        self._tries = 0
        self._busy = 0

    async def done(self, filled: bool) -> bool:
        """True once it is served, by us or another; `filled` says that it has come to where the log ended once.

        Raises RebuildRefused if it was dropped; StoreError, StoreBusy only after many tries: all is as before then.
        """
        projection, number = self._generation.projection, self._generation.number
        known = {g.number: g.state for g in await self._parts.generations.all(projection)}
        if number not in known:
            raise RebuildRefused(f"the rebuild of {projection!r} was cancelled, or begun anew by other code")
        if known[number] != "building":
            return True  # another process that builds with us was first
        if not filled:
            return False
        served = next(number for number, state in known.items() if state == "serving")
        try:
            swapped = await self._parts.generations.swap(projection, number, force=await self._is_forced(served))
        except UnknownName:  # another process was first, or has dropped it, since we looked
            return await self.done(filled)
        except StoreBusy as error:
            await self._let_others_go(error)
            return False
        self._busy = 0
        self._tries += 1
        return swapped

    async def _let_others_go(self, error: StoreBusy) -> None:
        self._busy += 1
        if self._busy == _BUSY:
            raise StoreBusy(
                f"{self._generation.projection!r} is built anew, but {_BUSY} tries to serve it failed, as others hold "
                "its rows: what was served is; let a report or a dump end and rebuild it again, which goes on from here"
            ) from error
        await self._options.sleep(min(self._options.pause * 2**self._busy, self._options.longest_pause))

    async def _is_forced(self, served: int) -> bool:
        """True where the checkpoints that are served cannot, or need not, be caught up with to the last event."""
        at: dict[int, dict[int, int]] = defaultdict(dict)
        for kept in await self._parts.store.checkpoints(self._generation.projection):
            of, partition = at[kept.place.generation], kept.place.partition
            of[partition] = min(kept.offset, of.get(partition, kept.offset))
        if await self._is_ahead_of_log(at[served]):
            return True
        built = at[self._generation.number]
        behind = max([offset - built.get(partition, 0) for partition, offset in at[served].items()], default=0)
        return self._tries >= _PATIENCE and behind <= self._near

    async def _is_ahead_of_log(self, offsets: dict[int, int]) -> bool:
        """True for checkpoints beyond the log's end, after a restored backup: nobody can catch up with those."""
        for partition, offset in offsets.items():
            if offset > await self._parts.log.head(partition):
                return True
        return False
