"""Roles: who runs which core, and how often."""

from __future__ import annotations

from collections.abc import Generator

import msgspec

from headwater.domain.append import CommandRecord, UniqueKey
from headwater.domain.event import NewEvent
from headwater.engines.cassandra.protocol.appending import append, intent_of
from headwater.engines.cassandra.protocol.claiming import holder_of
from headwater.engines.cassandra.protocol.core import Asked, Core, ask
from headwater.engines.cassandra.protocol.locating import locate, look_up
from headwater.engines.cassandra.protocol.outcomes import Committed, KeyTaken
from headwater.engines.cassandra.protocol.ownership import Ownership
from headwater.engines.cassandra.protocol.place import Place
from headwater.engines.cassandra.protocol.reconciling import scan, scan_all
from headwater.engines.cassandra.protocol.requests import ReadSettled
from headwater.engines.cassandra.protocol.rows import EventRow, FirstCells, Hint, Intent
from headwater.engines.cassandra.protocol.sequencing import work_round
from headwater.engines.cassandra.protocol.settling import settle
from headwater.engines.cassandra.protocol.takeover import take_over
from headwater.errors import StoreUnavailable
from tests.cassandra.simulator.chance import Chance
from tests.cassandra.simulator.truth import Truth
from tests.cassandra.simulator.variant import Variant
from tests.cassandra.simulator.violation import Violation
from tests.cassandra.simulator.world import TrimBucket

__all__ = ["OPEN_SLOTS", "Roles"]

OPEN_SLOTS = (1, 2)
CLOSED_SLOT = 0
SLOW = 0.25
"""How often the time that passes before a round makes what was pending overdue."""
HASTY = 0.25
"""How often a round fences what it sees for the first time."""

PARTITION_KEYS = (None, "p-1", "p-2")
KEYS = tuple([UniqueKey("user-email", f"u{number}@example.com") for number in range(3)])
EVENT = NewEvent(event_id=b"0" * 16, type="it-happened", schema=1, data=b"{}")


class Roles:
    """Writers and sequencers of one schedule."""

    def __init__(self, chance: Chance, variant: Variant, truth: Truth) -> None:
        self._chance = chance
        self._variant = variant
        self._hasty = msgspec.structs.replace(variant.shape, patience=0.0)
        self._truth = truth
        self._begun: list[tuple[str, str]] = []
        """Stream and command of whatever was begun."""
        self._hints: list[Hint] = []
        """What writers have told sequencers that are in their process."""
        self._ticks = 0

    def writer(self, name: str) -> Generator[Asked, object, None]:
        """Appends, each under a command that may have been begun before, by anybody."""
        places: dict[str, Place] = {}
        for number in range(self._variant.appends):
            try:
                yield from self._append(f"{name}.{number}", places)
            except StoreUnavailable:
                places.clear()

    def _append(self, name: str, places: dict[str, Place]) -> Core[None]:
        chance, shape = self._chance, self._variant.shape
        stream, command = self._stream(), None
        if self._begun and chance.happens(self._variant.repeats):
            stream, command = self._begun[chance.pick(len(self._begun))]
        elif chance.pick(2):
            command = name
            self._begun.append((stream, command))
        remembered = places.pop(stream, None)
        known = 0 if remembered is None else remembered.chunk
        if command is not None:
            found = yield from look_up(0, stream, command, shape, known)
            if found.committed is not None:
                self._truth.replayed(stream, command, found.committed)
                return
            place = found.place
        elif remembered is not None and chance.pick(2):
            place = remembered
        else:
            place = yield from locate(0, stream, shape, known)
        if place.version == 0:
            place = msgspec.structs.replace(place, partition_key=PARTITION_KEYS[chance.pick(3)])
        rows = self._rows(name, place, command)
        slot = CLOSED_SLOT if chance.happens(self._variant.closed) else OPEN_SLOTS[chance.pick(2)]
        since, sent_at = self._truth.keys.mark(), self._tick()
        outcome = yield from append(place, rows, slot, shape, lambda: chance.pick(3) == 0)
        self._truth.reported(stream, rows[0], outcome)
        if isinstance(outcome, KeyTaken):
            self._truth.keys.told_taken(stream, outcome, since)
        if isinstance(outcome, Committed):
            places[stream] = place.after(rows, shape)
            self._hints.append(Hint(intent_of(place, rows, slot), rows, sent_at))

    def _tick(self) -> float:
        """A clock that no two reads of are equal."""
        self._ticks += 1
        return self._ticks

    def _stream(self) -> str:
        """One of two categories."""
        number = self._chance.pick(self._variant.streams)
        return f"{'st'[number % 2]}-{number}"

    def _rows(self, name: str, place: Place, command: str | None) -> tuple[EventRow, ...]:
        attempt = name.encode()
        first, time, rows = self._first(command), place.time, list[EventRow]()
        for n in range(1 + self._chance.pick(self._variant.shape.events_per_append)):
            time = max(self._chance.pick(40), time + 1)
            rows.append(EventRow(place.version + 1 + n, attempt, time, EVENT, b"", first if n == 0 else None))
        return tuple(rows)

    def _first(self, command: str | None) -> FirstCells:
        chance, keys = self._chance, self._variant.keys
        record = None if command is None else CommandRecord(id=command, name="do-it", fingerprint=b"")
        if keys == 0:
            return FirstCells(record)
        claims = tuple([key for key in KEYS[:keys] if chance.pick(3) == 0])
        return FirstCells(record, claims, tuple([key for key in KEYS[:keys] if chance.pick(3) == 0]))

    def looker(self) -> Generator[Asked, object, None]:
        """Asks who holds a key, again and again."""
        while True:
            key, since = KEYS[self._chance.pick(self._variant.keys)], self._truth.keys.mark()
            try:
                holder = yield from holder_of(key)
            except StoreUnavailable:
                continue
            self._truth.keys.told_holder(key, holder, since)

    def late_claimer(self, number: int) -> Generator[Asked, object, None]:
        """Claims a key when nothing goes wrong any more: it gets what nobody holds, and nothing else."""
        key, stream, shape = KEYS[number], f"late-{number}", self._variant.shape
        place = yield from locate(0, stream, shape)
        held = self._truth.keys.holder(key)
        rows = (EventRow(1, stream.encode(), 0, EVENT, b"", FirstCells(None, (key,))),)
        outcome = yield from append(place, rows, OPEN_SLOTS[0], shape, lambda: False)
        if outcome != (Committed() if held is None else KeyTaken(key, held)):
            raise Violation("STUCK a key is taken that nobody holds")

    def trimmer(self) -> Generator[Asked, object, None]:
        """Deletes what is settled of full buckets, again and again."""
        shape = self._variant.shape
        while True:
            try:
                settled = yield from ask(ReadSettled(0))
            except StoreUnavailable:
                continue
            if settled is not None and (bucket := shape.bucket_of(settled)) > 0:
                yield from ask(TrimBucket(0, 0, self._chance.pick(bucket)))

    def sequencer(self, rounds: int, final: bool = False) -> Generator[Asked, object, None]:
        """An owner that never asks whether it still is one."""
        chance, shape, now = self._chance, self._variant.shape, 0.0
        while True:
            try:
                owner = yield from take_over(0, shape, self._tick)
            except StoreUnavailable:
                continue
            lost = False
            while not lost:
                rounds -= 1
                if rounds < 0:
                    return
                if chance.happens(SLOW):
                    now += shape.patience
                try:
                    lost = yield from self._round(owner, now, final)
                except StoreUnavailable:
                    lost = chance.pick(2) == 0

    def _round(self, owner: Ownership, now: float, final: bool) -> Core[bool]:
        chance, variant = self._chance, self._variant
        intents: list[Intent] | None = None
        if variant.reconciles and (final or chance.happens(0.1)):
            intents = yield from scan_all(owner.part)
        elif not self._hints or chance.pick(3):  # else what was hinted at is enough for once
            intents = yield from scan(owner.part, {*OPEN_SLOTS, *owner.pending_slots})
        lazy = variant.lazy and not final
        shape = self._hasty if final or chance.happens(HASTY) else variant.shape
        hints, self._hints = self._hints, []
        heeded = [hint for hint in hints if intents is None or chance.pick(2)]
        done = yield from work_round(owner, intents, heeded, shape, now, lazy)
        if lazy and not done.lost and chance.pick(3) == 0:
            yield from settle(owner)
        return done.lost
