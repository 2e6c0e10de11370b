"""A round of a sequencer: whose turn it is, and how long it waits."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from headwater.domain.event import NewEvent
from headwater.engines.cassandra.protocol.collecting import collect
from headwater.engines.cassandra.protocol.ownership import Known, LogHead, Ownership
from headwater.engines.cassandra.protocol.replies import APPLIED
from headwater.engines.cassandra.protocol.rows import EventRow, Hint, Intent, Statics
from headwater.engines.cassandra.protocol.sequencing import work_round
from headwater.engines.cassandra.protocol.shape import Shape
from tests.cassandra.driving import driven

SHAPE = Shape(events_per_chunk=4, events_per_append=4, events_per_bucket=9, events_per_log_batch=2, patience=10.0)
EVENT = NewEvent(event_id=b"0" * 16, type="it-happened", schema=1, data=b"{}")
PENDING = Intent(part=0, slot=7, attempt=b"a", stream="s-1", chunk=0, first_version=1, count=1, fence=None)
NOTHING = [Statics(), ()]
"""What the statics and rows of a chunk say that has none."""


def noon() -> float:
    return 12.0


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


def hint(*versions: int, sent_at: float) -> Hint:
    """An append of these versions that was made in the owner's process."""
    count, first = len(versions), versions[0]
    return Hint(Intent(0, 7, b"h%d" % first, "s-1", 0, first, count, None), tuple(rows(*versions)), sent_at)


def test_what_was_made_since_the_takeover_is_logged_unread() -> None:
    owner = Ownership(0, LogHead(-1, -1), noon, since=5.0, waiting_since={b"a": 1.0}, pending_slots=frozenset({9}))
    hints = [hint(2, sent_at=7.0), hint(1, sent_at=6.0)]
    asked, done = driven(work_round(owner, None, hints, SHAPE, 100.0, True), [APPLIED, True])
    assert (asked, [row.row.version for row in done.logged]) == (["AppendLog", "DeleteIntents"], [1, 2])
    assert [intent.attempt for intent in done.decided] == [b"h2", b"h1"]
    assert (owner.waiting_since, set(owner.pending_slots)) == ({b"a": 1.0}, {9})


def test_what_follows_on_what_this_owner_has_logged_is_unread_too() -> None:
    owner = Ownership(0, LogHead(4, 4), noon, since=5.0, known={("s-1", 0): Known(1, 6.0)})
    asked, done = driven(work_round(owner, None, [hint(2, sent_at=1.0)], SHAPE, 100.0, True), [APPLIED, True])
    assert (asked, [row.offset for row in done.logged]) == (["AppendLog", "DeleteIntents"], [5])


def test_what_may_be_forgotten_is_read() -> None:
    shape = replace(SHAPE, chunks_known=1)
    owner = Ownership(0, LogHead(-1, -1), noon, since=5.0, known={("s-9", 0): Known(1, 11.0)})
    first, second = hint(1, sent_at=10.0), hint(1, sent_at=13.0)
    second = replace(second, intent=replace(second.intent, stream="s-2"))
    driven(work_round(owner, None, [second], shape, 100.0, True), [APPLIED, True])
    assert owner.since == 11.0
    asked, _ = driven(work_round(owner, None, [first], shape, 100.0, True), [Statics(1, None, 1), (), True])
    assert asked == ["ReadStatics", "ReadRows", "DeleteIntents"]


@pytest.mark.parametrize(
    "made", [hint(1, sent_at=5.0), hint(2, sent_at=9.0)], ids=["before the takeover", "behind what another has made"]
)
def test_any_other_append_is_read_as_if_found(made: Hint) -> None:
    owner = Ownership(0, LogHead(-1, -1), noon, since=5.0)
    asked, done = driven(work_round(owner, None, [made], SHAPE, 100.0, True), [Statics(2), rows(1, 2), APPLIED, True])
    assert (asked, len(done.logged)) == (["ReadStatics", "ReadRows", "AppendLog", "DeleteIntents"], 2)


def test_a_batch_has_what_happened_first_in_front() -> None:
    owner = Ownership(0, LogHead(-1, -1), noon, since=5.0)
    late, early = hint(1, sent_at=6.0), hint(1, sent_at=7.0)
    late = replace(late, rows=(replace(late.rows[0], time=190),))
    early = replace(early, intent=replace(early.intent, stream="t-1", attempt=b"e"))
    _, done = driven(work_round(owner, None, [late, early], SHAPE, 100.0, True), [APPLIED, True])
    assert [row.stream for row in done.logged] == ["t-1", "s-1"]


def test_what_is_pending_is_fenced_after_a_while_and_looked_at_until_then() -> None:
    owner = Ownership(0, LogHead(-1, -1), noon)
    asked, done = driven(work_round(owner, [PENDING], (), SHAPE, 100.0, False), NOTHING)
    assert (asked, done.decided, set(owner.pending_slots)) == (["ReadStatics", "ReadRows"], [], {7})
    asked, done = driven(work_round(owner, [PENDING], (), SHAPE, 109.9, False), NOTHING)
    assert (asked, done.decided) == (["ReadStatics", "ReadRows"], [])
    asked, done = driven(work_round(owner, [PENDING], (), SHAPE, 110.0, False), [*NOTHING, APPLIED, True])
    assert (asked, done.decided) == (["ReadStatics", "ReadRows", "FenceChunk", "DeleteIntents"], [PENDING])
    assert not owner.pending_slots
