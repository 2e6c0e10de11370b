"""cassandra_operation: which append an id stands for, on Cassandra, and how small the stores are that it goes to."""

from __future__ import annotations

import msgspec

from headwater.domain.stream import StreamId
from headwater.engines.cassandra import migrations
from headwater.engines.cassandra.protocol.shape import Shape
from tests.faults.operation import Operation, operation

__all__ = ["operation_of", "shrink_stores"]

STREAMS = 100
LONELY = 20
"""Of so many ids one has a stream of its own: what is left half done there nobody but the reconciler finds."""
_SMALL = {"events_per_chunk": 200, "events_per_append": 10, "events_per_bucket": 500, "events_per_log_batch": 50}


def operation_of(id: str) -> Operation:
    what = operation(id, STREAMS * LONELY)
    number = int(what.stream.id.removeprefix("s"))
    stream = StreamId("lonely", id) if number % LONELY == 0 else StreamId("hot", f"s{number // LONELY}")
    return msgspec.structs.replace(what, stream=stream)


def shrink_stores() -> None:
    """From now on this process makes, and takes every store to be, one whose chunks and buckets end under way."""
    migrations.Shape = lambda **given: Shape(**(_SMALL | given))  # type: ignore[assignment, attr-defined]
