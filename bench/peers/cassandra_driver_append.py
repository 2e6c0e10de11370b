"""cassandra-driver: the same conditional batch as by hand on acsylla, by callbacks, on streams of its own."""

from __future__ import annotations

import sys
import threading
import time
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import FallthroughRetryPolicy, RoundRobinPolicy
from cassandra.query import BatchStatement, BatchType

from bench.cassandra.raw import INSERT, MOVE
from bench.domain import new_event
from bench.serving import serve

_names = iter(range(2**62))
_SECONDS: Final = 120.0


class Caller:
    """Appends one event after the other to a new stream."""

    def __init__(self, session: Session, statements: tuple[Any, Any], appends: int, done: threading.Semaphore) -> None:
        self._session = session
        self._move, self._insert = statements
        self._stream = f"account-d{next(_names)}"
        self._left = appends
        self._done = done
        self._version = 0

    def go_on(self, rows: Any = None) -> None:
        """Send the next one; `rows` answer the one before."""
        if rows is not None and not next(iter(rows))[0]:
            self.fail(AssertionError(f"{self._stream} was written by somebody else"))
        if not self._left:
            self._done.release()
            return
        self._left -= 1
        self._session.execute_async(self._batch()).add_callbacks(self.go_on, self.fail)

    def fail(self, error: BaseException) -> None:
        """Say why, and keep whoever waits from waiting for ever."""
        print(error, file=sys.stderr, flush=True)

    def _batch(self) -> BatchStatement:
        event, now, version = new_event(), time.time_ns() // 1_000, self._version
        self._version += 1
        batch = BatchStatement(BatchType.UNLOGGED, FallthroughRetryPolicy(), ConsistencyLevel.QUORUM)
        batch.serial_consistency_level = ConsistencyLevel.SERIAL
        batch.add(self._move, [version + 1, now, "", self._stream, version or None, None])
        row = self._stream, version + 1, uuid4().bytes, now, event.event_id, event.type, event.schema, event.data
        batch.add(self._insert, [*row, b"", "", [], 1, "", b""])
        return batch


def main(url: str, callers: int) -> None:
    parts = urlsplit(url)
    hosts, _, port = parts.netloc.rpartition(":")
    profile = ExecutionProfile(RoundRobinPolicy(), FallthroughRetryPolicy(), row_factory=lambda _, rows: rows)
    cluster = Cluster(
        hosts.split(","), port=int(port), protocol_version=4, execution_profiles={EXEC_PROFILE_DEFAULT: profile}
    )
    session = cluster.connect()
    keyspace = parts.path.removeprefix("/")
    statements = session.prepare(MOVE.format(keyspace)), session.prepare(INSERT.format(keyspace))

    def run(number: int) -> None:
        done = threading.Semaphore(0)
        for _ in range(callers):
            Caller(session, statements, number // callers, done).go_on()
        for _ in range(callers):
            if not done.acquire(timeout=_SECONDS):
                raise TimeoutError("an append was not answered: see above")

    serve(version("cassandra-driver"), run)
    cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
