"""What the machine draws from: few names, so that its steps meet."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from headwater.domain.append import CommandRecord, UniqueKey
from headwater.domain.event import NewEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion, Exact, Exists, ExpectedVersion, NoStream
from headwater.models.changes import Accumulate, Change, Delete, Update, Upsert
from headwater.ports.log import LogFilter
from headwater.ports.parking import ParkedEvent, ParkedPlace
from headwater.ports.place import Place
from headwater.ports.snapshots import Snapshot
from headwater.testing.clock import START
from headwater.testing.controls import EVERYTHING, TOO_MUCH, Tally, command_of, new_event, tally

__all__ = [
    "ACTIONS",
    "CHANGES",
    "COMMANDS",
    "CONTEXTS",
    "EVENTS",
    "EXPECTED",
    "FILTERS",
    "GENERATIONS",
    "KEYS",
    "NAMES",
    "OWNERS",
    "PARKED",
    "PARKED_OFFSETS",
    "PARKED_PLACES",
    "PARTITION_KEYS",
    "PLACES",
    "PROJECTIONS",
    "SNAPSHOTS",
    "STREAMS",
    "VERSIONS",
    "WORKS",
]

STREAMS: Final = st.sampled_from([StreamId.parse(text) for text in ("user-a", "user-A", "users-a", "order-1")])
KEYS: Final = st.lists(st.sampled_from([UniqueKey("mail", "a"), UniqueKey("mail", "b")]), max_size=2).map(tuple)
PARTITION_KEYS: Final = st.sampled_from([None] * 15 + ["key"])
VERSIONS: Final = st.integers(0, 8)
EXPECTED: Final[st.SearchStrategy[ExpectedVersion | None]] = st.one_of(
    st.none(),  # the stream's version, whatever it is by then
    st.sampled_from([AnyVersion(), AnyVersion(), AnyVersion(), Exists(), NoStream()]),
    VERSIONS.map(Exact),
)
TYPES: Final = st.sampled_from(["Opened", "Closed"])


def _event(type: str, data: bytes, topic: str | None) -> NewEvent:
    return new_event(type, data, topic)


EVENTS: Final = st.lists(
    st.builds(_event, TYPES, st.sampled_from([b"{}", b'{"n":1}']), st.sampled_from([None, None, "out"])),
    min_size=1,
    max_size=3,
)
CONTEXTS: Final = st.sampled_from([b"", b'{"principal":"eve"}', b'{"headers":{"region":"north"}}'])
COMMANDS: Final[st.SearchStrategy[CommandRecord | None]] = st.none() | st.builds(
    command_of, st.sampled_from(["c1", "c2", "c3"]), st.sampled_from(["", "other"])
)

NAMES: Final = st.sampled_from(["x", "y"])
TOTALS: Final = st.integers(-3, 3)


def _update(name: str, total: int) -> Change:
    return Update(Tally, name, {"total": total})


def _upsert(name: str, total: int) -> Change:
    return Upsert(Tally, name, {"total": total}, Tally(name=name, total=9))


def _delete(name: str) -> Change:
    return Delete(Tally, name)


def _add(name: str, total: int) -> Change:
    return Accumulate(Tally, name, Tally(name=name), add={"total": total})


def _raise(name: str, total: int) -> Change:
    return Accumulate(Tally, name, Tally(name=name), max={"total": total})


def _lower(name: str, total: int) -> Change:
    return Accumulate(Tally, name, Tally(name=name), min={"total": total})


CHANGES: Final[st.SearchStrategy[list[Change]]] = st.lists(
    st.one_of(
        *[st.builds(change, NAMES, TOTALS) for change in (tally, _update, _upsert, _add, _raise, _lower)],
        st.builds(_delete, NAMES),
        st.just(TOO_MUCH),
    ),
    max_size=3,
)
PROJECTIONS: Final = st.sampled_from(["p", "q"])
GENERATIONS: Final = st.sampled_from([0, 0, 0, 1, 1, 2, 3])
PLACES: Final = st.builds(
    Place, PROJECTIONS, partition=st.just(0), generation=GENERATIONS, key_range=st.sampled_from([0, 0, 0, 1])
)
PARKED_OFFSETS: Final = st.integers(0, 2)
PARKED_PLACES: Final = st.builds(ParkedPlace, PROJECTIONS, GENERATIONS, st.just(0), PARKED_OFFSETS)
ACTIONS: Final = st.sampled_from(["parked.edit", "parked.retry", "projection.pause"])
PARKED: Final = st.builds(
    ParkedEvent,
    projection=PROJECTIONS,
    generation=GENERATIONS,
    partition=st.just(0),
    offset=PARKED_OFFSETS,
    key=NAMES,
    type=TYPES,
    error=st.sampled_from([None, "ValueError: no", "KeyError: yes"]),
    attempts=st.integers(1, 3),
    parked_at=VERSIONS,
    retry_at=st.none() | VERSIONS,
    data=st.sampled_from([None, None, b'{"n":3}']),
)

WORKS: Final = st.sampled_from(["p/0", "q/0"])
OWNERS: Final = st.sampled_from(["me", "you"])
SNAPSHOTS: Final = st.builds(
    Snapshot,
    stream=st.sampled_from(["user-a", "user-A"]),
    kind=st.sampled_from(["User/1", "User/2"]),
    version=VERSIONS,
    state=st.binary(max_size=3),
)

FILTERS: Final[st.SearchStrategy[LogFilter | None]] = st.one_of(
    st.none(),
    st.just(EVERYTHING),
    st.builds(
        LogFilter,
        types=st.lists(TYPES, max_size=2).map(tuple),
        categories=st.sampled_from([(), ("user",), ("users", "order")]),
        since=st.none() | VERSIONS.map(START.__add__),
        until=st.none() | VERSIONS.map(START.__add__),
        stream=st.sampled_from([None, "user-a"]),
        metadata=st.sampled_from([(), (("principal", "eve"),), (("region", "north"),)]),
        hidden=st.booleans(),
    ),
)
