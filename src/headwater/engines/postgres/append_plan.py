"""The plan of a group of appends: what each comes to, and what is to be written. No I/O: a function of what was seen.

The appends of a group are decided in their order, each on what the ones before it leave, so that those of one stream,
one unique key or one command id may stand in one group. One that is refused leaves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from headwater.domain.append import Append, Appended, CommandRecord, UniqueKey, Write, Written
from headwater.domain.boundary import Alternative, Mark
from headwater.domain.event import NewEvent
from headwater.domain.version import check_expected
from headwater.engines.sql.checksum import checksum, link, seal
from headwater.errors import (
    BoundaryChanged,
    DuplicateEventId,
    HeadwaterError,
    IdempotencyMismatch,
    InvalidMessage,
    UniqueKeyTaken,
)

__all__ = ["EventRow", "Outcome", "Plan", "Seen", "Standing", "planned"]

Outcome = Appended | HeadwaterError


class Standing(msgspec.Struct, frozen=True):
    """Where a stream stands."""

    partition_key: str | None
    version: int
    last_timestamp: int
    """Microseconds since 1970."""
    chain: int
    """Checksum of all its data."""


class Seen(msgspec.Struct, frozen=True):
    """What was seen of the store under the locks of the partitions."""

    streams: Mapping[str, Standing]
    keys: Mapping[UniqueKey, str] = {}
    """The stream that holds each."""
    commands: Mapping[str, CommandRecord] | None = None
    """Records by command id; None: nobody has looked yet."""
    changed: Collection[tuple[Mark, Alternative]] = frozenset()
    """What of the appends' conditions has come since it was read."""


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """An event to be written, but for its offset."""

    partition: int
    place: int
    """Counted from the partition's next offset."""
    stream: str
    version: int
    event_id: bytes
    timestamp: int
    type: str
    schema: int
    data: bytes
    context: bytes
    topic: str | None
    checksum: int


class Plan:
    """What a group comes to if nobody else is in the way. Offsets are known once it is written."""

    def __init__(self, seen: Seen, partition_of: Callable[[str], int], now: int) -> None:
        self._seen = seen
        self._partition_of = partition_of
        self._now = now
        self._event_ids: set[bytes] = set()
        self._held: dict[UniqueKey, str | None] = {}
        """Who holds a key after the appends so far, where it differs from what was seen."""
        self.outcomes: list[Outcome] = []
        """One for each append, in order."""
        self.asks_for_commands = False
        """Whether an append was refused that may be a repetition: look at the commands' records, and plan again."""
        self._tagged: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        """Type and tags of the group's events so far, by each tag."""
        self.events: list[EventRow] = []
        self.tags: list[tuple[str, int, int]] = []
        """Tag, partition and place, of the events that have tags."""
        self.added: Counter[int] = Counter()
        """How many events each partition gets."""
        self.last_places: list[list[tuple[int, int]]] = []
        """For each append, partition and place of each write's last event."""
        self.streams: dict[str, Standing] = {}
        """Where the streams written stand afterwards."""
        self.partitions: dict[str, int] = {}
        """Of the streams written."""
        self.new_streams: dict[str, Write] = {}
        """The first write of each stream that was not there."""
        self.firsts: dict[int, int] = {}
        """The offset of each partition's first event, once they are written."""
        self.commands: dict[str, CommandRecord] = {}

    @property
    def releases(self) -> list[tuple[UniqueKey, str]]:
        """Keys that are given up or change hands, each with the stream that held it, in order."""
        seen = self._seen.keys
        return sorted((key, seen[key]) for key, holder in self._held.items() if seen.get(key) not in (None, holder))

    @property
    def claims(self) -> list[tuple[UniqueKey, str]]:
        """Keys that are taken, each with the stream that takes it, in order."""
        seen = self._seen.keys
        taken = [(key, holder) for key, holder in self._held.items() if holder is not None]
        return sorted((key, holder) for key, holder in taken if holder != seen.get(key))

    @property
    def new_categories(self) -> Counter[tuple[str, int]]:
        """How many new streams each category gets in each partition."""
        return Counter((write.stream.category, self.partitions[name]) for name, write in self.new_streams.items())

    def places(self, index: int) -> list[tuple[int, int]]:
        """Partition and offset of the last event of each write of an append, once they are written."""
        return [(partition, self.firsts[partition] + place) for partition, place in self.last_places[index]]

    def take(self, append: Append) -> None:
        """Decide one more append."""
        try:
            outcome: Outcome = self._first_outcome(append) or self._decided(append)
        except HeadwaterError as error:
            outcome = error
            may_be_repeated = append.command is not None and self._seen.commands is None
            self.asks_for_commands |= may_be_repeated and not isinstance(error, IdempotencyMismatch)
        if len(self.last_places) == len(self.outcomes):
            self.last_places.append([])
        self.outcomes.append(outcome)

    def _first_outcome(self, append: Append) -> Appended | None:
        """What this command committed before; None if it did not, or was refused, or nobody has looked."""
        command = append.command
        if command is None:
            return None
        first = self.commands.get(command.id) or (self._seen.commands or {}).get(command.id)
        if first is None or first.error is not None:
            return None
        if first.fingerprint != command.fingerprint:
            raise IdempotencyMismatch(command.id)
        return Appended(first.writes, first)

    def _decided(self, append: Append) -> Appended:
        """Everything is checked before anything is planned. Raises what the append is refused for."""
        standings = [self._looked_at(write) for write in append.writes]
        for check in append.checks:
            standing = self._standing(str(check.stream))
            check_expected(str(check.stream), check.expected, 0 if standing is None else standing.version)
        if append.conditions:
            self._check_conditions(append)
        held = self._keys_after(append)
        self._check_event_ids(append)
        self._held |= held
        self.last_places.append([])
        pairs, now = zip(append.writes, standings, strict=True), append.stamped_from(self._now)
        written = tuple([self._write(write, standing, append.context, now) for write, standing in pairs])
        if append.command is not None:
            record = msgspec.structs.replace(append.command, writes=written, timestamp=now)
            self.commands[record.id] = record
        return Appended(written)

    def _standing(self, name: str) -> Standing | None:
        return self.streams.get(name) or self._seen.streams.get(name)

    def _looked_at(self, write: Write) -> Standing:
        name = str(write.stream)
        standing = self._standing(name) or Standing(write.partition_key, 0, -1, 0)
        if (standing.partition_key or name) != (write.partition_key or name):
            raise InvalidMessage(
                f"stream {name!r} is partitioned by {standing.partition_key or name!r}, this append by "
                f"{write.partition_key or name!r}: a stream keeps its partition key"
            )
        check_expected(name, write.expected, standing.version)
        return standing

    def _check_conditions(self, append: Append) -> None:
        """Raise BoundaryChanged for what is in the store, or comes before this append in the group."""
        for condition in append.conditions:
            for alternative in condition.boundary:
                before = self._tagged.get(alternative.tags[0], ())
                if (condition.after, alternative) in self._seen.changed or any(
                    alternative.matches(type, tags) for type, tags in before
                ):
                    raise BoundaryChanged(str(alternative), alternative.tags)

    def _holder(self, key: UniqueKey) -> str | None:
        return self._held[key] if key in self._held else self._seen.keys.get(key)

    def _keys_after(self, append: Append) -> dict[UniqueKey, str | None]:
        """Who holds the keys of an append after it, all its releases counted first; raises UniqueKeyTaken."""
        held: dict[UniqueKey, str | None] = {}
        for write in append.writes:
            held |= {key: None for key in write.releases if self._holder(key) == str(write.stream)}
        for write in append.writes:
            stream = str(write.stream)
            for key in write.claims:
                holder = held[key] if key in held else self._holder(key)
                if holder not in (None, stream):
                    raise UniqueKeyTaken(key.scope, key.value, str(holder))
                held[key] = stream
        return held

    def _check_event_ids(self, append: Append) -> None:
        """Those of the group: what the log holds already, the log refuses."""
        ids = {event.event_id for write in append.writes for event in write.events}
        if not self._event_ids.isdisjoint(ids):
            raise DuplicateEventId(min(self._event_ids & ids).hex())
        self._event_ids |= ids

    def _write(self, write: Write, standing: Standing, context: bytes, now: int) -> Written:
        name = str(write.stream)
        partition = self._partition_of(write.partition_key or name)
        version, timestamp, chain = standing.version, standing.last_timestamp, standing.chain
        place = self.added[partition]
        for event in write.events:
            id, type, schema, data, topic = event.event_id, event.type, event.schema, event.data, event.topic
            version += 1
            timestamp = max(now, timestamp + 1)
            chain = link(data, chain)
            sum = checksum(seal(version, timestamp, id, type, schema, topic, context, data), chain)
            self.events.append(
                EventRow(partition, place, name, version, id, timestamp, type, schema, data, context, topic, sum)
            )
            if event.tags:
                self._tag(event, partition, place)
            place += 1
        if standing.version == 0:
            self.new_streams[name] = write
        self.partitions[name] = partition
        self.added[partition] = place
        self.last_places[-1].append((partition, place - 1))
        self.streams[name] = Standing(standing.partition_key, version, timestamp, chain)
        return Written(name, standing.version + 1, version)

    def _tag(self, event: NewEvent, partition: int, place: int) -> None:
        for tag in event.tags:
            self.tags.append((tag, partition, place))
            self._tagged.setdefault(tag, []).append((event.type, event.tags))


def planned(appends: Sequence[Append], seen: Seen, partition_of: Callable[[str], int], now: int) -> Plan:
    """The plan of a group; `now` in microseconds since 1970."""
    plan = Plan(seen, partition_of, now)
    for append in appends:
        plan.take(append)
    return plan
