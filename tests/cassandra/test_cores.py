"""The cores ask for what the protocol says, in its order."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from headwater.domain.append import UniqueKey
from headwater.domain.event import NewEvent
from headwater.engines.cassandra.protocol.appending import append
from headwater.engines.cassandra.protocol.deciding import ChunkSeen, Verdict, decide
from headwater.engines.cassandra.protocol.locating import Found, locate, look_up
from headwater.engines.cassandra.protocol.outcomes import CertainFailure, Committed, Conflict, KeyTaken, Outcome
from headwater.engines.cassandra.protocol.ownership import LogHead
from headwater.engines.cassandra.protocol.place import Place
from headwater.engines.cassandra.protocol.replies import APPLIED, UNKNOWN, NotApplied
from headwater.engines.cassandra.protocol.requests import AppendEvents
from headwater.engines.cassandra.protocol.rows import (
    Bucket,
    CommandSeen,
    Count,
    EventRow,
    FirstCells,
    Intent,
    KeyRow,
    Logged,
    RowSeen,
    Statics,
)
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.protocol.takeover import take_over
from headwater.errors import BadDeclaration, StoreCorrupt
from tests.cassandra.driving import driven

SHAPE = Shape(events_per_chunk=4, events_per_append=4, events_per_bucket=2)
EVENT = NewEvent(event_id=b"0" * 16, type="it-happened", schema=1, data=b"{}")
EMAIL = UniqueKey("user-email", "john@example.com")
PLACE = Place(part=0, stream="user-1", chunk=0, version=0, head=None, fence=None)


def row(version: int, attempt: bytes = b"a", first: FirstCells | None = None) -> EventRow:
    return EventRow(version, attempt, 100, EVENT, b"", first)


def appended(replies: Iterable[object], first: FirstCells | None = None, late: bool = False) -> tuple[str, Outcome]:
    asked, outcome = driven(append(PLACE, (row(1, b"a", first), row(2)), 7, SHAPE, lambda: late), replies)
    return " ".join(asked), outcome


TRY = "InsertIntent AppendEvents"
REFUSED = NotApplied(Statics(head=3))


@pytest.mark.parametrize(
    ("replies", "late", "asked", "outcome"),
    [
        ([True, APPLIED], False, TRY, Committed()),
        ([False, True, APPLIED], False, f"InsertIntent {TRY}", Committed()),
        ([True, REFUSED, True], False, f"{TRY} DeleteIntents", Conflict(3)),
        ([True, UNKNOWN, RowSeen(Statics(2), row(1))], False, f"{TRY} ReadRowSerially", Committed()),
        (
            [True, UNKNOWN, RowSeen(Statics(3), row(1, b"b")), True],
            False,
            f"{TRY} ReadRowSerially DeleteIntents",
            Conflict(3),
        ),
        (
            [True, UNKNOWN, RowSeen(Statics(), None), APPLIED],
            False,
            f"{TRY} ReadRowSerially AppendEvents",
            Committed(),
        ),
        (
            [True, UNKNOWN, RowSeen(Statics(), None), APPLIED, True],
            True,
            f"{TRY} ReadRowSerially FenceChunk DeleteIntents",
            CertainFailure("the deadline passed, and the append was fenced"),
        ),
        (
            [True, UNKNOWN, RowSeen(Statics(), None), REFUSED, RowSeen(Statics(2), row(1))],
            True,
            f"{TRY} ReadRowSerially FenceChunk ReadRowSerially",
            Committed(),
        ),
    ],
)
def test_an_append_asks_in_order(replies: list[object], late: bool, asked: str, outcome: Outcome) -> None:
    assert appended(replies, late=late) == (asked, outcome)


def test_an_append_without_an_intent_is_not_tried() -> None:
    asked, outcome = appended([False, False, False, True])
    assert asked == "InsertIntent InsertIntent InsertIntent DeleteIntents"
    assert isinstance(outcome, CertainFailure)


def test_a_key_names_the_append_before_it_is_tried() -> None:
    asked, outcome = appended([True, APPLIED, APPLIED], FirstCells(claims=(EMAIL,)))
    assert (asked, outcome) == ("InsertIntent ReserveKey AppendEvents", Committed())


def test_a_key_that_another_holds_is_taken() -> None:
    taken = NotApplied(KeyRow("user-2"))
    asked, outcome = appended([True, taken, True, NotApplied(KeyRow("user-2"))], FirstCells(claims=(EMAIL,)))
    assert (asked, outcome) == ("InsertIntent ReserveKey DeleteIntents DropReservation", KeyTaken(EMAIL, "user-2"))


NO_COUNTS: dict[str, Count] = {}
INTENT = Intent(part=0, slot=7, attempt=b"a", stream="user-1", chunk=0, first_version=3, count=2, fence=1)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (ChunkSeen(Statics(), logged=4), Verdict.DONE),
        (ChunkSeen(Statics(), logged=3), Verdict.FIRST_ROW),
        (ChunkSeen(Statics(), logged=2), Verdict.LATER),
        (ChunkSeen(Statics(), logged=2, rows={3: row(3, b"b")}), Verdict.DONE),
        (ChunkSeen(Statics(), logged=2, rows={3: row(3)}), Verdict.LATER),
        (ChunkSeen(Statics(4), logged=2, rows={}), Verdict.HIDDEN),
        (ChunkSeen(Statics(4), logged=1, rows={2: row(2)}, last_read=2), Verdict.LATER),
        (ChunkSeen(Statics(2, 2), logged=2, rows={}), Verdict.DONE),
        (ChunkSeen(Statics(2, 1), logged=2, rows={}), Verdict.PENDING),
    ],
)
def test_an_intent_is_decided_by_what_was_seen(seen: ChunkSeen, verdict: Verdict) -> None:
    assert decide(INTENT, seen) is verdict


def test_a_takeover_carries_the_time_over_the_end_of_a_bucket() -> None:
    last = Logged(1, "user-1", 0, 2)
    replies: list[object] = [0, NO_COUNTS, Bucket(1, 500, (last,)), Bucket(None, None, ()), True, True]
    asked, owner = driven(take_over(0, SHAPE, lambda: 0.0), replies)
    assert asked == ["ReadSettled", "ReadCounts", *["ReadBucketSerially"] * 2, "WriteLogged", "WriteSettled"]
    assert (owner.head, owner.owed) == (LogHead(1, 500), [])


def test_a_log_that_ends_before_what_is_settled_is_corrupt() -> None:
    with pytest.raises(StoreCorrupt, match="settled up to 9"):
        driven(take_over(0, SHAPE, lambda: 0.0), [9, NO_COUNTS, Bucket(None, None, ())])


def test_a_place_goes_on_behind_its_append() -> None:
    keyed = msgspec.structs.replace(PLACE, partition_key="group-1")
    assert keyed.after([row(3)], SHAPE) == Place(0, "user-1", 0, 3, 3, None, 100, "group-1")
    fenced = msgspec.structs.replace(keyed, version=3, head=3, fence=2)
    assert fenced.after([row(7)], SHAPE) == Place(0, "user-1", 1, 7, None, None, 100, "group-1")


def test_a_place_is_told_by_the_chunk_before_where_its_own_has_no_head() -> None:
    final, fenced = Statics(5, None, 5, 100, "group-1"), Statics(None, 2)
    _, place = driven(locate(0, "user-1", SHAPE), [final, fenced])
    assert place == Place(0, "user-1", 1, 5, None, 2, 100, "group-1")
    _, place = driven(locate(0, "user-1", SHAPE, 1), [fenced, final, Statics(6, 3, None, 101, "group-1")])
    assert place == Place(0, "user-1", 1, 6, 6, 3, 101, "group-1")
    looks = [CommandSeen(fenced, None), CommandSeen(final, None, rows=5, highest=5)]
    _, found = driven(look_up(0, "user-1", "c-1", SHAPE), [final, fenced, *looks])
    assert found == Found(Place(0, "user-1", 1, 5, None, 2, 100, "group-1"), None)


def test_an_append_says_what_its_stream_is() -> None:
    core = append(msgspec.structs.replace(PLACE, partition_key="group-1"), (row(1), row(2)), 7, SHAPE, lambda: False)
    next(core)
    write = core.send(True)
    assert isinstance(write, AppendEvents)
    assert (write.new_head, write.new_time, write.partition_key) == (2, 100, "group-1")


def test_everything_has_its_place() -> None:
    assert [SHAPE.chunk_of(version) for version in (0, 3, 4)] == [0, 0, 1]
    assert [SHAPE.bucket_of(offset) for offset in (0, 1, 2)] == [0, 0, 1]
    slot = SHAPE.slot_of(25_000_000)
    assert (slot, SHAPE.intent_written_at(slot), SHAPE.intent_deleted_at(slot)) == (2, 20_000_000, 20_000_001)


def test_an_append_must_fit_a_chunk() -> None:
    with pytest.raises(BadDeclaration, match="make the chunks larger"):
        Shape(events_per_chunk=10, events_per_append=11)
