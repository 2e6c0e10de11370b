"""Settling: what is written beside the log, in which order, and until when."""

from __future__ import annotations

from headwater.domain.append import CommandRecord
from headwater.domain.event import NewEvent
from headwater.engines.cassandra.protocol.core import Asked
from headwater.engines.cassandra.protocol.ownership import LogHead, Ownership
from headwater.engines.cassandra.protocol.request import Request
from headwater.engines.cassandra.protocol.requests import (
    WriteCommand,
    WriteCount,
    WriteLogged,
    WriteNames,
    WriteSettled,
)
from headwater.engines.cassandra.protocol.rows import Bucket, Count, EventRow, FirstCells, Logged, LogRow
from headwater.engines.cassandra.protocol.settling import settle
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.protocol.takeover import take_over
from tests.cassandra.driving import driven

BOB = Logged(4, "user-bob", 0, 1, "c-1")
MORE_OF_BOB = Logged(5, "user-bob", 0, 2)
ORDER = Logged(6, "order-1", 0, 1)
AMY = Logged(7, "user-amy", 0, 1)
LATER = Logged(8, "user-old", 3, 9, "c-2")
ROWS = [BOB, MORE_OF_BOB, ORDER, AMY, LATER]

CHUNKS = [
    WriteLogged(2, "user-bob", 0, 2, ((1, 4), (2, 5))),
    WriteLogged(1, "order-1", 0, 1, ((1, 6),)),
    WriteLogged(1, "user-amy", 0, 1, ((1, 7),)),
    WriteLogged(9, "user-old", 3, 9, ((9, 8),)),
]
INDEXES = [
    WriteNames(1, 0, "user", ("user-bob", "user-amy")),
    WriteNames(1, 0, "order", ("order-1",)),
    WriteCount(7, 0, "order", 1, 6),
    WriteCount(8, 0, "user", 12, 7),
    WriteCommand(5, 0, "c-1", 4),
    WriteCommand(9, 0, "c-2", 8),
]


def owner(counts: dict[str, Count]) -> Ownership:
    return Ownership(0, LogHead(8, 100), lambda: 0.0, counts=counts, memory={("user-bob", 0): 2}, owed=list(ROWS))


def asked_at_once(asked: Asked) -> list[Request[object]]:
    assert isinstance(asked, list)
    return asked


def test_indexes_are_told_before_chunks_and_chunks_before_the_partition() -> None:
    has = owner({"user": Count(10, 3)})
    core = settle(has)
    assert asked_at_once(next(core)) == INDEXES
    assert asked_at_once(core.send([True, False, True, False, True, True])) == [INDEXES[1], INDEXES[3]]
    assert asked_at_once(core.send([True, True])) == CHUNKS
    assert asked_at_once(core.send([True, False, True, True])) == [CHUNKS[1]]
    assert core.send([True]) == WriteSettled(9, 0, 8)
    assert has.owed == ROWS
    driven(core, [])  # whatever comes of that
    assert (has.owed, has.memory, has.counts) == ([], {}, {"user": Count(12, 7), "order": Count(1, 6)})


def test_what_was_counted_is_not_counted_again_and_written_again() -> None:
    has = owner({"user": Count(12, 7)})
    assert asked_at_once(next(settle(has))) == INDEXES


def test_nothing_owed_is_nothing_to_write() -> None:
    asked, _ = driven(settle(Ownership(0, LogHead(-1, -1), lambda: 0.0)), [])
    assert asked == []


def test_a_takeover_goes_on_from_the_counts_it_reads() -> None:
    shape = Shape(events_per_bucket=50)
    replies: list[object] = [3, {"user": Count(10, 3)}, Bucket(8, 100, tuple(ROWS)), *[True] * 11]
    asked, has = driven(take_over(0, shape, lambda: 0.0), replies)
    assert asked[:3] == ["ReadSettled", "ReadCounts", "ReadBucketSerially"]
    assert has.counts == {"user": Count(12, 7), "order": Count(1, 6)}


def test_a_row_of_the_log_tells_the_command_that_its_append_begins_with() -> None:
    event = NewEvent(event_id=b"0" * 16, type="it-happened", schema=1, data=b"{}")
    first = FirstCells(CommandRecord(id="c-1", name="do-it", fingerprint=b""))
    rows = [EventRow(1, b"a", 100, event, b"", first), EventRow(2, b"a", 101, event)]
    told = [LogRow(4 + n, 100, "user-bob", 0, row).logged for n, row in enumerate(rows)]
    assert told == [BOB, MORE_OF_BOB]
