"""Variant: what a schedule is made of."""

from __future__ import annotations

import msgspec

from headwater.engines.cassandra.protocol.shape import Shape

__all__ = ["LEASE_VARIANTS", "VARIANTS", "LeaseVariant", "Variant"]

SMALL = Shape(
    events_per_chunk=2,
    events_per_append=2,
    events_per_bucket=3,
    events_per_log_batch=4,
    looks_before_fence=1,
    chunks_known=3,
)


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes so small that every schedule crosses them, and how often what goes wrong."""

    shape: Shape = SMALL
    streams: int = 2
    writers: int = 3
    appends: int = 3
    """Of each writer."""
    sequencers: int = 2
    rounds: int = 5
    """Of each sequencer, before another takes its place."""
    faults: float = 0.12
    """Of writes: the reply is lost at least."""
    unanswered: float = 0.02
    """Of reads."""
    crashes: float = 0.02
    """Of steps."""
    arrives: float = 0.1
    """Whether something that is under way arrives, at each step."""
    closed: float = 0.1
    """Of intents: in a slot that only the reconciler looks at."""
    reconciles: bool = True
    lazy: bool = False
    """Several log batches are settled at once."""
    commits_late: bool = False
    trims: bool = False
    """Somebody deletes old rows of the log."""
    repeats: float = 0.3
    """Of appends: under the command of one that was begun before."""
    keys: int = 0
    """Unique keys that the appends claim and give up."""


class LeaseVariant(msgspec.Struct, frozen=True):
    """The same of a lease."""

    skew: int = 0
    """By how much the clocks may be wrong."""
    faults: float = 0.2
    commits_late: bool = False
    steps: bool = False
    """The clocks step back now and then, by far."""


def _shape(chunk: int, bucket: int, append: int, batch: int = 4, size: int = 99, looks: int = 1) -> Shape:
    return Shape(
        events_per_chunk=chunk,
        events_per_append=append,
        events_per_bucket=bucket,
        events_per_log_batch=batch,
        bytes_per_log_batch=size,
        looks_before_fence=looks,
        chunks_known=2,
    )


VARIANTS = {
    "protocol": Variant(),
    "everything of size one": Variant(shape=_shape(1, 1, 1, 1)),
    "chunks of 3, buckets of 2": Variant(shape=_shape(3, 2, 3)),
    "chunks of 6, batches of 2 or 5 bytes": Variant(shape=_shape(6, 5, 3, 3, 5), streams=1, repeats=0.6),
    "three sequencers, one stream": Variant(sequencers=3, streams=1),
    "faults 35 %, crashes 5 %": Variant(faults=0.35, crashes=0.05),
    "committed late": Variant(commits_late=True),
    "commands repeated, committed late": Variant(
        streams=4, writers=6, appends=4, sequencers=1, repeats=0.6, commits_late=True
    ),
    "closed slots 60 %": Variant(closed=0.6),
    "lazy settling": Variant(lazy=True),
    "lazy, three sequencers, faults 30 %": Variant(
        shape=_shape(2, 2, 2), lazy=True, sequencers=3, rounds=8, faults=0.3
    ),
    "idle tail, faults 40 %": Variant(
        shape=_shape(4, 3, 1), streams=1, writers=2, appends=1, sequencers=1, rounds=8, faults=0.4
    ),
    "writes land late, faults 30 %": Variant(faults=0.3, arrives=0.01, appends=4),
    "old rows deleted": Variant(trims=True, rounds=8),
    "two keys": Variant(keys=2, streams=3),
    "one key, faults 30 %": Variant(keys=1, faults=0.3, crashes=0.04, shape=_shape(4, 5, 1)),
    "one key, nobody waits": Variant(
        shape=_shape(4, 5, 1, looks=0), keys=1, streams=6, writers=5, appends=5, faults=0.3, crashes=0.0, repeats=0.0
    ),
    "one key, writes land late": Variant(
        shape=_shape(9, 5, 1),
        keys=1,
        streams=1,
        writers=2,
        appends=12,
        sequencers=1,
        faults=0.4,
        crashes=0.0,
        arrives=0.02,
        repeats=0.0,
    ),
    "three keys, committed late": Variant(keys=3, commits_late=True, appends=4),
    "many streams, lazy, three sequencers": Variant(
        shape=_shape(3, 4, 2), streams=9, appends=5, lazy=True, sequencers=3, faults=0.3, repeats=0.5
    ),
    "streams begun, replies lost": Variant(
        shape=_shape(9, 30, 1),
        streams=30,
        writers=8,
        appends=6,
        sequencers=1,
        rounds=60,
        faults=0.3,
        crashes=0.0,
        repeats=0.0,
    ),
    "no reconciler, no closed slots": Variant(reconciles=False, closed=0.0),
}
"""Each must come through without a violation."""

LEASE_VARIANTS = (
    LeaseVariant(),
    LeaseVariant(skew=40),
    LeaseVariant(commits_late=True),
    LeaseVariant(faults=0.5),
    LeaseVariant(steps=True),
)
