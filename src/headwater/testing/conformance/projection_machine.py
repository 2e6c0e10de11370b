"""Two engines, one history of projections: whatever runners and operators do to both, they answer alike."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from headwater.domain.append import CommandRecord
from headwater.domain.event import NewEvent, StoredEvent
from headwater.domain.stream import StreamId
from headwater.models.changes import Change
from headwater.ports.conditions import Pause
from headwater.ports.generations import Generation, NewGeneration
from headwater.ports.inline_appends import InlineProjection
from headwater.ports.journal import Entry
from headwater.ports.parking import ParkedEvent, ParkedPlace
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit, Reset
from headwater.ports.read_models import ReadModels
from headwater.testing.conformance import strategies as draw
from headwater.testing.conformance.agreement import Agreement
from headwater.testing.conformance.commits import state_of, swap
from headwater.testing.conformance.conditions import trouble_at
from headwater.testing.conformance.inline_appends import inline
from headwater.testing.controls import Tally, append_of, contents, tally

__all__ = ["ProjectionsAgree"]


class ProjectionsAgree(Agreement):
    """Derive with `make_engines`; `TestCase` of the subclass is the test.

    Projection `p` has generations; `q` writes the same rows and has none.
    """

    def compare(self) -> None:
        self.agree(contents)
        self.agree(state_of)
        self.agree(lambda engine: engine.conditions.pauses())
        self.agree(lambda engine: engine.conditions.troubles())
        self.agree(lambda engine: engine.journal.entries())

    @initialize(begun=st.integers(0, 2))
    def start(self, begun: int) -> None:
        """With none, one served, or another one beside it."""
        for version in range(1, begun + 1):
            self.begin(version, "a", 1, beside=True)

    # -- commits -----------------------------------------------------------

    def _kept(self, place: Place) -> Checkpoint:
        """Where a checkpoint stands; at 0 where there cannot be one."""
        kept = self.runner.run(self.engines[0].projections.checkpoints(place.projection))
        return next((checkpoint for checkpoint in kept if checkpoint.place == place), Checkpoint(place=place))

    def _declared(self, place: Place) -> Place:
        """The place, in one of the key ranges of its generation."""
        of = (place.projection, place.generation)
        ranges = [found.key_ranges for found in self._generations() if (found.projection, found.number) == of]
        return msgspec.structs.replace(place, key_range=place.key_range % (ranges or [1])[0])

    def _generations(self) -> Sequence[Generation]:
        return self.runner.run(self.engines[0].generations.all("p"))

    @rule(data=st.data(), key_range=st.sampled_from([0, 0, 1]), step=st.integers(0, 3), changes=draw.CHANGES)
    def go_on(self, data: st.DataObject, key_range: int, step: int, changes: list[Change]) -> None:
        """What a worker does that met nobody."""
        numbers = [found.number for found in self._generations()] or [0]
        kept = self._kept(self._declared(Place("p", 0, data.draw(st.sampled_from(numbers)), key_range)))
        next = kept.offset + step
        effects = data.draw(st.sampled_from([None, next]))
        commit = ProjectionCommit(
            place=kept.place, epoch=kept.epoch, start=kept.offset, next=next, changes=changes, effects=effects
        )
        self.agree(lambda engine: engine.projections.commit(commit))

    @rule(
        data=st.data(),
        place=draw.PLACES,
        epoch=st.integers(0, 3),
        start=st.none() | draw.VERSIONS,
        step=st.integers(-1, 3),
        changes=draw.CHANGES,
        effects=st.none() | draw.VERSIONS,
    )
    def commit(
        self,
        data: st.DataObject,
        place: Place,
        epoch: int,
        start: int | None,
        step: int,
        changes: list[Change],
        effects: int | None,
    ) -> None:
        place = self._declared(place)
        start = self._kept(place).offset if start is None else start
        parked = data.draw(st.lists(draw.PARKED, max_size=2))
        commit = ProjectionCommit(
            place=place,
            epoch=epoch,
            start=start,
            next=max(0, start + step),
            changes=changes,
            parked=[
                event
                for event in parked
                if (event.projection, event.generation) == (place.projection, place.generation)
            ],
            unparked=data.draw(st.lists(draw.PARKED_OFFSETS, max_size=2)),
            effects=effects,
        )
        self.agree(lambda engine: engine.projections.commit(commit))
        self.agree(lambda engine: engine.projections.checkpoint(place))

    @rule(changes=draw.CHANGES)
    def write(self, changes: list[Change]) -> None:
        self.agree(lambda engine: engine.projections.write(changes))

    @rule(
        projection=draw.PROJECTIONS,
        generation=draw.GENERATIONS,
        epoch=st.integers(0, 3),
        models=st.sampled_from([[], [Tally]]),
    )
    def reset(self, projection: str, generation: int, epoch: int, models: list[type[Tally]]) -> None:
        reset = Reset(projection=projection, generation=generation, epoch=epoch, models=models)
        self.agree(lambda engine: engine.projections.reset(reset))

    @rule(projection=draw.PROJECTIONS, generation=draw.GENERATIONS, epoch=st.integers(0, 3), changes=draw.CHANGES)
    def reset_partition(self, projection: str, generation: int, epoch: int, changes: list[Change]) -> None:
        reset = Reset(projection=projection, generation=generation, epoch=epoch, partition=0, changes=changes)
        self.agree(lambda engine: engine.projections.reset(reset))

    @rule(
        stream=draw.STREAMS,
        events=draw.EVENTS,
        command=draw.COMMANDS,
        changes=draw.CHANGES,
        version=st.integers(1, 3),
    )
    def append_inline(
        self,
        stream: StreamId,
        events: list[NewEvent],
        command: CommandRecord | None,
        changes: list[Change],
        version: int,
    ) -> None:
        async def handle(new: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
            before = await rows.get(Tally, "x")
            return [tally("x", (0 if before is None else before.total) + len(new)), *changes]

        append = append_of(stream, events, command=command)
        projections = [InlineProjection(name, (Tally,), handle, version) for name in ("p", "q")]
        self.agree(lambda engine: inline(engine).append_inline(append, projections))

    # -- generations -------------------------------------------------------

    @rule(
        version=st.sampled_from([1, 1, 2, 2, 3]),
        fingerprint=st.sampled_from("aab"),
        key_ranges=st.sampled_from([1, 1, 2]),
        beside=st.sampled_from([True, True, False]),
    )
    def begin_another(self, version: int, fingerprint: str, key_ranges: int, beside: bool) -> None:
        self.begin(version, fingerprint, key_ranges, beside)

    def begin(self, version: int, fingerprint: str, key_ranges: int, beside: bool) -> None:
        wanted = NewGeneration(
            projection="p", version=version, fingerprint=fingerprint, key_ranges=key_ranges, models=[Tally]
        )
        self.agree(lambda engine: engine.generations.begin(wanted, beside))

    @rule(data=st.data(), force=st.sampled_from([False, False, True]))
    def swap(self, data: st.DataObject, force: bool) -> None:
        others = [found.number for found in self._generations() if found.state != "serving"]
        number = data.draw(st.sampled_from(others) if others else draw.GENERATIONS)
        self.agree(lambda engine: swap(engine, "p", number, force=force))

    @rule(projection=draw.PROJECTIONS, generation=draw.GENERATIONS)
    def drop(self, projection: str, generation: int) -> None:
        self.agree(lambda engine: engine.generations.drop(projection, generation))

    # -- parking -----------------------------------------------------------

    @rule(event=draw.PARKED)
    def park(self, event: ParkedEvent) -> None:
        self.agree(lambda engine: engine.parking.park(event))

    @rule(place=draw.PARKED_PLACES)
    def edit_parked(self, place: ParkedPlace) -> None:
        self.agree(lambda engine: engine.parking.edit(place, b'{"n":2}'))

    @rule(place=draw.PARKED_PLACES)
    def discard_parked(self, place: ParkedPlace) -> None:
        self.agree(lambda engine: engine.parking.discard(place))

    @rule(after=st.none() | draw.PARKED_PLACES, key=st.none() | draw.NAMES, limit=st.integers(0, 3))
    def list_parked(self, after: ParkedPlace | None, key: str | None, limit: int) -> None:
        self.agree(lambda engine: engine.parking.parked(None, key, after=after, limit=limit))

    @rule(projection=draw.PROJECTIONS, generation=draw.GENERATIONS, limit=st.none() | st.integers(0, 3))
    def list_queues(self, projection: str, generation: int, limit: int | None) -> None:
        self.agree(lambda engine: engine.parking.queues(projection, generation, limit=limit))

    # -- conditions and the journal ----------------------------------------

    @rule(projection=draw.PROJECTIONS, by=draw.OWNERS)
    def pause(self, projection: str, by: str) -> None:
        self.agree(lambda engine: engine.conditions.pause(Pause(projection=projection, by=by)))

    @rule(projection=draw.PROJECTIONS)
    def resume(self, projection: str) -> None:
        self.agree(lambda engine: engine.conditions.resume(projection))

    @rule(place=draw.PLACES, failures=st.integers(0, 2))
    def report(self, place: Place, failures: int) -> None:
        trouble = trouble_at(place, failures=failures) if failures else None
        self.agree(lambda engine: engine.conditions.report(place, trouble))

    @rule(action=draw.ACTIONS, subject=draw.NAMES)
    def note(self, action: str, subject: str) -> None:
        self.agree(lambda engine: engine.journal.note(Entry(at=1, by="ann", action=action, subject=subject)))

    @rule(
        action=st.none() | draw.ACTIONS | st.just("parked.*"), subject=st.none() | draw.NAMES, limit=st.integers(0, 3)
    )
    def list_entries(self, action: str | None, subject: str | None, limit: int) -> None:
        self.agree(lambda engine: engine.journal.entries(action=action, subject=subject, limit=limit))
