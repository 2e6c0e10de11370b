"""A round of a sequencer: whose turn it is, and how long it waits."""

from __future__ import annotations

from headwater.domain.event import NewEvent
from headwater.engines.cassandra.protocol.collecting import collect
from headwater.engines.cassandra.protocol.ownership import LogHead, Ownership
from headwater.engines.cassandra.protocol.replies import APPLIED
from headwater.engines.cassandra.protocol.rows import EventRow, Intent, Statics
from headwater.engines.cassandra.protocol.sequencing import work_round
from headwater.engines.cassandra.protocol.shape import Shape
from tests.cassandra.driving import driven

SHAPE = Shape(events_per_chunk=4, events_per_append=4, events_per_bucket=9, events_per_log_batch=2, patience=10.0)
EVENT = NewEvent(event_id=b"0" * 16, type="it-happened", schema=1, data=b"{}")
PENDING = Intent(part=0, slot=7, attempt=b"a", stream="s-1", chunk=0, first_version=1, count=1, fence=None)
NOTHING = [Statics(), ()]
"""What the statics and rows of a chunk say that has none."""


def rows(*versions: int) -> list[EventRow]:
    return [EventRow(version, b"a", 100, EVENT) for version in versions]


def test_a_round_begins_behind_the_stream_that_ended_the_last_batch() -> None:
    named = [("s-1", 0), ("s-2", 0), ("s-3", 0)]
    replies = [Statics(1), Statics(1), Statics(1), rows(1), rows(1), rows(1)]
    _, (_, taken) = driven(collect(named, {}, "s-1", SHAPE), replies)
    assert [key[0] for key, _ in taken] == ["s-2", "s-3", "s-1"]


def test_rows_behind_a_gap_wait() -> None:
    _, (_, taken) = driven(collect([("s-1", 0)], {}, "", SHAPE), [Statics(3), rows(1, 3)])
    assert [row.version for _, row in taken] == [1]


def test_a_chunk_begins_behind_the_head_of_the_one_before() -> None:
    replies = [Statics(7), Statics(5, logged=5), rows(6, 7), ()]
    asked, (_, taken) = driven(collect([("s-1", 1)], {}, "", SHAPE), replies)
    assert asked == ["ReadStatics", "ReadStatics", "ReadRows", "ReadRows"]
    assert [row.version for _, row in taken] == [6, 7]


def test_a_chunk_waits_for_the_head_of_the_one_before() -> None:
    _, (_, taken) = driven(collect([("s-1", 1)], {}, "", SHAPE), [Statics(7), Statics(3), rows(1, 2)])
    assert [row.version for _, row in taken] == [1, 2]


def test_what_was_only_hinted_at_is_logged_and_no_intent_decided() -> None:
    owner = Ownership(0, LogHead(-1, -1), waiting_since={b"a": 1.0}, pending_slots=frozenset({7}))
    replies = [Statics(1), rows(1), APPLIED]
    asked, done = driven(work_round(owner, None, [("s-1", 0)], SHAPE, 100.0, True), replies)
    assert (asked, len(done.logged)) == (["ReadStatics", "ReadRows", "AppendLog"], 1)
    assert (owner.waiting_since, set(owner.pending_slots)) == ({b"a": 1.0}, {7})


def test_what_is_pending_is_fenced_after_a_while_and_looked_at_until_then() -> None:
    owner = Ownership(0, LogHead(-1, -1))
    asked, done = driven(work_round(owner, [PENDING], (), SHAPE, 100.0, False), NOTHING)
    assert (asked, done.decided, set(owner.pending_slots)) == (["ReadStatics", "ReadRows"], [], {7})
    asked, done = driven(work_round(owner, [PENDING], (), SHAPE, 109.9, False), NOTHING)
    assert (asked, done.decided) == (["ReadStatics", "ReadRows"], [])
    asked, done = driven(work_round(owner, [PENDING], (), SHAPE, 110.0, False), [*NOTHING, APPLIED, True])
    assert (asked, done.decided) == (["ReadStatics", "ReadRows", "FenceChunk", "DeleteIntents"], [PENDING])
    assert not owner.pending_slots
