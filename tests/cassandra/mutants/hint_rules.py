"""The rules of what a sequencer knows without reading it."""

from __future__ import annotations

from headwater.engines.cassandra.protocol.shape import Shape
from tests.cassandra.mutants.planting import Edit
from tests.cassandra.mutants.rule import PROTOCOL, Rule
from tests.cassandra.simulator.variant import VARIANTS, Variant

__all__ = ["HINT_RULES"]

HINTING, SEQUENCING = PROTOCOL + "hinting", PROTOCOL + "sequencing"
EACH_IN_ITS_CHUNK = Variant(
    shape=Shape(events_per_chunk=1, events_per_append=1, events_per_bucket=9, events_per_log_batch=4),
    streams=8,
    writers=6,
    appends=8,
    sequencers=1,
    rounds=30,
    repeats=0.0,
    faults=0.0,
    crashes=0.0,
)
"""Where several appends to one stream are hinted at, they lie in several chunks."""
MANY = VARIANTS["many streams, lazy, three sequencers"]

HINT_RULES = (
    Rule(
        name="a stream that was begun before the takeover is read, whoever began it",
        step="R2",
        edits=(Edit(HINTING, " and hint.sent_at > owner.since", ""),),
        variant=MANY,
    ),
    Rule(
        name="a stream that may be one whose beginning was forgotten is read",
        step="R2",
        edits=(Edit(SEQUENCING, "        owner.since = max(owner.since, forgotten.at)\n", ""),),
        variant=VARIANTS["streams begun, replies lost"],
    ),
    Rule(
        name="what does not follow on what this owner has logged is read",
        step="R2",
        edits=(
            Edit(
                HINTING,
                "at is None and hint.intent.expected == 0 and hint.sent_at > owner.since:\n            at = 0\n",
                "at is None:\n            at = hint.intent.expected\n",
            ),
        ),
    ),
    Rule(
        name="of a stream that is read nothing is taken unread",
        step="R2",
        edits=(Edit(HINTING, "    unread |= {key for key in found if key[0] in streams}\n", ""),),
        variant=EACH_IN_ITS_CHUNK,
    ),
    Rule(
        name="what this owner has logged is not taken again",
        step="R2",
        edits=(Edit(HINTING, "[row for row in hint.rows if row.version > at]", "list(hint.rows)"),),
    ),
)
