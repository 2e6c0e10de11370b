"""BatchProjectionHandler: a projection that commits many events at once."""

from __future__ import annotations

from headwater.errors import BadDeclaration
from headwater.projections.handler import ProjectionHandler, declaration_of

__all__ = ["BatchProjectionHandler", "check_parallelism"]


class BatchProjectionHandler(ProjectionHandler, abstract=True):
    """Collects up to `batch_size` events, or for `flush_interval` seconds, and commits them in one transaction.

    Beside the two styles of a ProjectionHandler it may define `async def handle_batch(self, events)`, which
    gets a list of events in order. If that raises, the events are handed to it one by one, so that only the bad one is
    parked; on Cassandra they always are, as each change is kept by its event.

    With `parallelism` above 1, events of different keys are handled concurrently, those of one key in order: it
    needs a declared `key=`, or `commutative=True`, and is BadDeclaration without. A handler then sees the pending
    changes of its own key; where two keys turn out to write one row, other than by accumulating, the batch is
    handled again in the log's order. What a handler reads should be fed by its key.
    """

    batch_size: int = 100
    flush_interval: float = 5.0
    parallelism: int = 1

    def __init__(self, *, batch_size: int = 100, flush_interval: float = 5.0, parallelism: int = 1) -> None:
        if type(batch_size) is not int or batch_size < 1:
            raise BadDeclaration(f"batch_size is a number of events from 1, got {batch_size!r}")
        if not flush_interval >= 0:
            raise BadDeclaration(f"flush_interval is a number of seconds from 0, got {flush_interval!r}")
        if type(parallelism) is not int or parallelism < 1:
            raise BadDeclaration(f"parallelism is a number of keys at once from 1, got {parallelism!r}")
        self.batch_size = batch_size
        self.flush_interval = flush_interval
        self.parallelism = parallelism


def check_parallelism(handler: BatchProjectionHandler) -> None:
    """Raises BadDeclaration for keys side by side where it is not declared what may be handled in any order."""
    declared = declaration_of(type(handler))
    if handler.parallelism > 1 and declared.key is None and not declared.commutative:
        raise BadDeclaration(
            f"{type(handler).__name__}: parallelism={handler.parallelism} needs a declared key=, or commutative=True: "
            "events of different keys are handled in any order"
        )
