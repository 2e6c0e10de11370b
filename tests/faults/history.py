"""History: what callers were told, what the store holds, and the checker that holds one against the other.

No search: ids are unique and versions make the order observable, so one pass over each stream is enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

__all__ = ["Ack", "Block", "Findings", "Held", "History", "Refusal", "Seen", "check"]

Block = tuple[str, int, int]
"""Stream, first and last version of an append."""


class Ack(msgspec.Struct, frozen=True, array_like=True, tag="ack"):
    """An append that was acknowledged. Times are of one clock for all processes."""

    id: str
    stream: str
    first: int
    last: int
    called: float = 0.0
    returned: float = 1e18


class Refusal(msgspec.Struct, frozen=True, array_like=True, tag="refusal"):
    """An append that was certainly not committed; `expected` names the version where that was the reason."""

    id: str
    stream: str
    expected: int | None
    called: float
    returned: float


class History(msgspec.Struct):
    """What callers were told. Whoever was told nothing may have been committed, or not."""

    acks: list[Ack] = []
    refusals: list[Refusal] = []
    called: dict[str, float] = {}
    """When appends were sent whose answer is not known."""


class Seen(msgspec.Struct, frozen=True):
    """An event in the store."""

    offset: int
    stream: str
    version: int
    id: str
    part: int
    of: int
    claims: str | None = None
    releases: str | None = None
    partition: int = 0


class Held(msgspec.Struct):
    """What the store holds."""

    events: Sequence[Seen]
    """By partition and offset."""
    records: Mapping[str, Block]
    """Committed command records by id."""
    holders: Mapping[str, str]
    """Streams by the slot they hold."""
    keeps_order: bool = True
    """The log has one partition, in the order of commits. Else it keeps each stream's order alone, and who holds what
    is for `holders.check_holders` to say."""


class Findings(msgspec.Struct):
    """Everything that is wrong, by kind."""

    lost: list[str] = []
    duplicated: list[str] = []
    reordered: list[str] = []
    other: list[str] = []

    def add(self, more: Findings) -> None:
        self.lost += more.lost
        self.duplicated += more.duplicated
        self.reordered += more.reordered
        self.other += more.other

    def __bool__(self) -> bool:
        return bool(self.lost or self.duplicated or self.reordered or self.other)


def check(history: History, held: Held) -> Findings:
    """Hold the history against the store; nothing found means that every promise was kept."""
    found = Findings()
    _check_order(held.events, found)
    blocks = _blocks(held, found)
    _check_answers(history, blocks, found)
    _check_time(history, blocks, found)
    _check_conflicts(history, blocks, found)
    _check_records(held.records, blocks, found)
    if held.keeps_order:
        _check_slots(held, found)
    return found


def _check_order(events: Sequence[Seen], found: Findings) -> None:
    """Offsets of each partition are dense from 0, versions of each stream are 1, 2, 3 in the log's order."""
    versions: dict[str, int] = defaultdict(int)
    ends: dict[int, int] = defaultdict(int)
    for event in events:
        expected, ends[event.partition] = ends[event.partition], event.offset + 1
        if event.offset != expected:
            found.reordered.append(f"offset {event.offset} stands where {expected} should")
        last, versions[event.stream] = versions[event.stream], event.version
        if event.version == last + 1:
            continue
        if event.version <= last:
            found.reordered.append(f"{event.stream}@{event.version} comes after version {last}")
        else:
            found.lost.append(f"{event.stream} has a hole between versions {last} and {event.version}")


def _blocks(held: Held, found: Findings) -> dict[str, Block]:
    """Where each append lies: each whole, once, in one piece."""
    parts: dict[str, list[Seen]] = defaultdict(list)
    for event in held.events:
        parts[event.id].append(event)
    blocks: dict[str, Block] = {}
    for id, seen in parts.items():
        first = seen[0]
        if len({event.part for event in seen}) < len(seen):
            found.duplicated.append(f"{id} is in the store twice: {[(e.stream, e.version) for e in seen]}")
        elif [event.part for event in seen] != list(range(1, first.of + 1)):
            found.other.append(f"{id} is there in part: {[e.part for e in seen]} of {first.of}")
        elif [(e.stream, e.version - first.version) for e in seen] != [(first.stream, n) for n in range(first.of)] or (
            held.keeps_order and [event.offset - first.offset for event in seen] != list(range(first.of))
        ):
            found.reordered.append(f"{id} is not in one piece: {[(e.stream, e.version) for e in seen]}")
        blocks[id] = (first.stream, first.version, seen[-1].version)
    return blocks


def _check_answers(history: History, blocks: Mapping[str, Block], found: Findings) -> None:
    """Acknowledged means there, where it was said; refused means absent."""
    for ack in history.acks:
        block = blocks.get(ack.id)
        if block is None:
            found.lost.append(f"{ack.id} was acknowledged at {ack.stream}@{ack.first} and is not there")
        elif block != (ack.stream, ack.first, ack.last):
            found.other.append(f"{ack.id} was acknowledged at {ack.stream}@{ack.first} and is at {block}")
    acked = {ack.id for ack in history.acks}
    for refusal in history.refusals:
        if refusal.id in blocks and refusal.id not in acked:
            found.other.append(f"{refusal.id} was refused and is at {blocks[refusal.id]}")


def _check_time(history: History, blocks: Mapping[str, Block], found: Findings) -> None:
    """An append that returned before another of its stream was called has the lower versions."""
    streams: dict[str, list[Ack]] = defaultdict(list)
    for ack in history.acks:
        if ack.id in blocks:
            streams[ack.stream].append(ack)
    for acks in streams.values():
        acks.sort(key=lambda ack: ack.first, reverse=True)
        earliest: Ack | None = None  # to return, of those with higher versions
        for ack in acks:
            if earliest is not None and earliest.first != ack.first and earliest.returned < ack.called:
                found.reordered.append(f"{earliest.id} returned before {ack.id} was called, and comes after it")
            if earliest is None or ack.returned < earliest.returned:
                earliest = ack


def _check_conflicts(history: History, blocks: Mapping[str, Block], found: Findings) -> None:
    """A conflict on version v needs somebody who wrote v + 1 and was called before it returned."""
    calls = {ack.id: ack.called for ack in history.acks} | history.called
    writers: dict[tuple[str, int], str] = {}
    for id, (stream, first, last) in blocks.items():
        writers.update({(stream, version): id for version in range(first, last + 1)})
    for refusal in history.refusals:
        if refusal.expected is None:
            continue
        writer = writers.get((refusal.stream, refusal.expected + 1))
        if writer is None or calls.get(writer, float("-inf")) >= refusal.returned:
            found.other.append(f"{refusal.id} got a conflict on {refusal.stream}@{refusal.expected} for nothing")


def _check_records(records: Mapping[str, Block], blocks: Mapping[str, Block], found: Findings) -> None:
    """A command has a record if and only if its events are there, and it names them."""
    for id, block in blocks.items():
        if records.get(id) != block:
            found.other.append(f"{id} is at {block}, its command record says {records.get(id)}")
    for id in records.keys() - blocks.keys():
        found.other.append(f"{id} has a command record and no events")


def _check_slots(held: Held, found: Findings) -> None:
    """Claims and releases, folded over the log, give the holders, and nobody claimed what another held."""
    holders: dict[str, str] = {}
    for event in held.events:
        if event.releases is not None and holders.get(event.releases) == event.stream:
            del holders[event.releases]
        if event.claims is not None and holders.setdefault(event.claims, event.stream) != event.stream:
            found.other.append(f"{event.id} claimed slot {event.claims}, which {holders[event.claims]} held")
    if holders != held.holders:
        found.other.append(f"the holders of slots are {held.holders}, by the log they are {holders}")
