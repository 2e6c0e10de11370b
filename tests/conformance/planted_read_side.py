"""Bugs of the read side, planted one at a time like those of `planted`."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager

import msgspec

from headwater.domain.append import Append, Appended
from headwater.engines.memory import MemoryEngine
from headwater.engines.memory.conditions import MemoryConditions
from headwater.engines.memory.event_store import MemoryEventStore
from headwater.engines.memory.exports import export
from headwater.engines.memory.generations import MemoryGenerations
from headwater.engines.memory.journal import MemoryJournal
from headwater.engines.memory.leases import MemoryLeases
from headwater.engines.memory.parking import MemoryParking
from headwater.engines.memory.projection_store import MemoryProjectionStore
from headwater.engines.memory.rows import Rows
from headwater.engines.memory.state import State
from headwater.engines.memory.wakeups import MemoryWakeups
from headwater.models.model import ReadModel
from headwater.ports.conditions import Pause
from headwater.ports.exports import Exported
from headwater.ports.generations import Generation, NewGeneration
from headwater.ports.generations import State as Standing
from headwater.ports.inline_appends import InlineProjection
from headwater.ports.leases import Lease
from headwater.ports.parking import ParkedEvent, ParkedPlace, ParkedQueue
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit, Reset
from headwater.testing.controls import Remark
from tests.conformance.planted import state_of

replace = msgspec.structs.replace


class SwapKeepsEpochs(MemoryGenerations):
    """Whoever was at work before the swap goes on as if nothing had happened."""

    async def swap(self, projection: str, number: int, was: Standing = "building", force: bool = False) -> bool:
        before = dict(self._state.checkpoints)
        swapped = await super().swap(projection, number, was, force)
        for place, kept in self._state.checkpoints.items():
            if place in before:
                self._state.checkpoints[place] = replace(kept, epoch=before[place].epoch)
        return swapped


class SwapLosesEffects(MemoryGenerations):
    """Side effects begin again at what the new generation has done itself."""

    async def swap(self, projection: str, number: int, was: Standing = "building", force: bool = False) -> bool:
        before = dict(self._state.checkpoints)
        swapped = await super().swap(projection, number, was, force)
        for place, kept in self._state.checkpoints.items():
            effects = before[place].effects if place in before else 0
            self._state.checkpoints[place] = replace(kept, effects=effects)
        return swapped


class SwapIsPartial(MemoryGenerations):
    """One of the read models stays behind."""

    async def swap(self, projection: str, number: int, was: Standing = "building", force: bool = False) -> bool:
        stays = self._state.rows.table(Remark)
        swapped = await super().swap(projection, number, was, force)
        self._state.rows.put(Remark, stays)
        return swapped


class SwapDoesNotWait(MemoryGenerations):
    async def swap(self, projection: str, number: int, was: Standing = "building", force: bool = False) -> bool:
        return await super().swap(projection, number, was, force=True)


class BeginForgetsWhatWasBuilt(MemoryGenerations):
    """A rebuild that begins again after a crash starts over."""

    async def begin(self, wanted: NewGeneration, beside: bool = True) -> Generation:
        for found in await self.all(wanted.projection):
            if beside and found.state == "building":
                await self.drop(wanted.projection, found.number)
        return await super().begin(wanted, beside)


class GenerationIgnored(MemoryProjectionStore):
    """Whatever generation a commit names, its changes are made to what is served."""

    async def commit(self, commit: ProjectionCommit) -> None:
        await super().commit(replace(commit, changes=()))
        await self.write(commit.changes)


class UnknownGenerationAccepted(MemoryProjectionStore):
    """A worker of a generation that was dropped goes on, beside the one that is served."""

    async def commit(self, commit: ProjectionCommit) -> None:
        place = commit.place
        known = {found.number for found in await MemoryGenerations(self._store).all(place.projection)} or {0}
        if place.generation not in known:
            self._state.checkpoints[place] = Checkpoint(place=place, offset=commit.next, epoch=commit.epoch)
            return
        await super().commit(commit)


class ResetForgetsEffects(MemoryProjectionStore):
    async def reset(self, reset: Reset) -> None:
        await super().reset(reset)
        for place, kept in self._state.checkpoints.items():
            if place.projection == reset.projection:
                self._state.checkpoints[place] = replace(kept, effects=0)


class ResetFencesOnlyWhatRan(MemoryProjectionStore):
    async def reset(self, reset: Reset) -> None:
        ran = set(self._state.checkpoints)
        await super().reset(reset)
        for place in set(self._state.checkpoints) - ran:
            del self._state.checkpoints[place]


class BackOffIgnored(MemoryLeases):
    async def back_off(self, lease: Lease, seconds: float) -> None:
        await self.release(lease)


class InlineAlthoughBehind(MemoryEventStore):
    """An inline projection is handled wherever its checkpoint stands: events before it are lost to it."""

    async def append_inline(self, append: Append, inline: Sequence[InlineProjection]) -> Appended:
        for projection in inline:
            for partition, log in enumerate(self._state.log):
                place = Place(projection.projection, partition)
                kept = self._state.checkpoints.get(place, Checkpoint(place=place))
                if kept.offset < len(log):
                    self._state.checkpoints[place] = replace(kept, offset=len(log))
        return await super().append_inline(append, inline)


class _RowsThatStay(Rows):
    @contextmanager
    def all_or_nothing(self) -> Generator[None]:
        yield


class InlineChangesStay(MemoryEventStore):
    """What one projection changed stays, though a later one undid the append."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        state.rows = _RowsThatStay()


class QueuesByKey(MemoryParking):
    async def queues(
        self, projection: str, generation: int, partition: int | None = None, limit: int | None = None
    ) -> Sequence[ParkedQueue]:
        queues = await super().queues(projection, generation, partition, limit)
        return sorted(queues, key=lambda queue: (queue.partition, queue.key))


class PageInclusive(MemoryParking):
    """A page begins with the last of the one before."""

    async def parked(
        self,
        projection: str | None = None,
        key: str | None = None,
        *,
        generation: int | None = None,
        partition: int | None = None,
        after: ParkedPlace | None = None,
        limit: int = 1_000,
    ) -> Sequence[ParkedEvent]:
        if after is not None:
            after = replace(after, offset=after.offset - 1)
        return await super().parked(
            projection, key, generation=generation, partition=partition, after=after, limit=limit
        )


class EditedDataLost(MemoryParking):
    async def park(self, event: ParkedEvent) -> None:
        await self.discard(event.place)
        await super().park(event)


class EarlierPauseStays(MemoryConditions):
    async def pause(self, pause: Pause) -> None:
        self._state.pauses.setdefault(pause.projection, pause)


class JournalGrows(MemoryJournal):
    def __init__(self, state: State) -> None:
        super().__init__(state)
        state.journal = deque()


class CountsOfCommits(MemoryWakeups):
    """Every commit moves every count: caches never live."""

    async def changes(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        return [self._state.commits for _ in models]


class CountsThatStand(MemoryWakeups):
    """No count ever moves: caches never die."""

    async def changes(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        return [min(1, count) for count in await super().changes(models)]


class ExportsWhatIsThereByThen(MemoryEngine):
    """An export whose pages are each of another moment."""

    async def export(
        self, projection: str, number: int, models: Sequence[type[ReadModel]], page: int = 1_000
    ) -> AsyncIterator[Exported]:
        pages = 0
        while True:
            now = [part async for part in export(state_of(self), projection, number, models, page)]
            if pages == len(now):
                return
            yield now[pages]
            pages += 1
