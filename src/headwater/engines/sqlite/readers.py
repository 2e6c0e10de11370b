"""Readers: threads that read, each with a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Concatenate, Final, ParamSpec, TypeVar, cast

import apsw

from headwater.engines.sqlite.work import Outcome, Work, settle
from headwater.errors import StoreBusy, StoreClosed

__all__ = ["Readers"]

P = ParamSpec("P")
T = TypeVar("T")

_AT_ONCE: Final = 16
"""Queued reads one thread answers together, at most."""


class Readers:
    """A pool of read connections. A read sees every commit acknowledged before it was asked for."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._closing = False
        self._intake = Lock()
        """Held for the moment of queueing: nothing comes to lie behind the end of the queue."""

    def start(self, connections: Sequence[apsw.Connection]) -> None:
        """Read through these connections from now on, a thread for each, and close them in the end."""
        self._closing = False
        self._queue = SimpleQueue()
        self._threads = [
            Thread(target=self._work, args=(connection,), name=f"headwater-reader-{number}", daemon=True)
            for number, connection in enumerate(connections, 1)
        ]
        for thread in self._threads:
            thread.start()

    def run(
        self, read: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        """Queue a function of a read connection; the future resolves to what it returns.

        Each statement sees one consistent state; `with connection:` makes several see the same.
        Raises StoreClosed, StoreBusy.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        call: Callable[[apsw.Connection], T] = lambda connection: read(connection, *args, **kwargs)  # noqa: E731
        with self._intake:
            if not self._threads or self._closing:
                raise StoreClosed("this SQLite store is closed: await its open() first")
            if self._queue.qsize() >= self._limit:
                raise StoreBusy(f"{self._limit:,} reads are waiting already: try again later, with fewer at once")
            self._queue.put(Work(call, cast("asyncio.Future[object]", future), alone=False))
        return future

    def close(self) -> None:
        """Finish what is queued and close the connections. Blocks; idempotent."""
        with self._intake:
            if not self._closing:
                self._closing = True
                for _ in self._threads:
                    self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads = []

    # -- on a reader's thread ----------------------------------------------------------------------------------

    def _work(self, connection: apsw.Connection) -> None:
        is_open = True
        while is_open:
            reads, is_open = self._next_reads()
            settle([_answered(connection, read) for read in reads if not read.future.cancelled()])
        connection.close()

    def _next_reads(self) -> tuple[list[Work], bool]:
        """This thread's share of what waits, at least one; and whether more may come."""
        reads: list[Work] = []
        share = 1
        try:
            while len(reads) < share:
                read = self._queue.get(block=not reads)
                if read is None:
                    return reads, False
                reads.append(read)
                share = min(_AT_ONCE, 1 + self._queue.qsize() // len(self._threads))
        except Empty:
            pass
        return reads, True


def _answered(connection: apsw.Connection, read: Work) -> Outcome:
    try:
        return Outcome(read, read.call(connection))
    except BaseException as error:
        return Outcome(read, error=error)
