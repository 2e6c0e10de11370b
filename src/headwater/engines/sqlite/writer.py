"""Writer: the one thread that writes, and its group commit."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar, cast

import apsw

from headwater.engines.sqlite.errors import commit_failed
from headwater.engines.sqlite.work import Outcome, Work, settle
from headwater.errors import StoreBusy, StoreClosed, StoreError

__all__ = ["CommitListener", "Writer"]

P = ParamSpec("P")
T = TypeVar("T")

_GROUP: Final = 1_000
"""Jobs in one transaction, at most."""
_POLL: Final = 0.02
"""Seconds between two looks for other processes' commits, while somebody waits to hear of them."""


_LOOK: Final = cast("Work", object())
"""In the queue: look for other processes' commits."""


class CommitListener(Protocol):
    """Whom the writer tells, from its thread, that the store has changed."""

    def listening(self) -> bool:
        """Whether somebody waits to hear of other processes' commits."""
        ...

    def committed(self, others: bool = False) -> None:
        """`others`: another process has committed, or this one through another engine."""
        ...


class Writer:
    """One connection on one thread: whatever waits when it is free becomes one transaction.

    A job is a function of the connection. It neither begins nor ends transactions, and may be run twice: at first
    jobs run bare, and one that fails before it has changed a row fails alone, at no cost. Only when one fails after
    that is the whole group rolled back and run again, with a savepoint for each job.
    """

    def __init__(self, limit: int, listener: CommitListener) -> None:
        self._limit = limit
        self._listener = listener
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._closing = False
        self._intake = Lock()
        """Held for the moment of queueing: nothing comes to lie behind the end of the queue."""
        self._data_version = 0
        self._check: Callable[[], None] = lambda: None
        self.epoch = 0
        """Moves on when what a job remembers of the store may be wrong: others wrote, or a job was rolled back."""

    def start(self, connection: apsw.Connection, check: Callable[[], None] = lambda: None) -> None:
        """Write through this connection from now on, and close it in the end.

        Before each commit `check` is called; what it raises, the jobs have failed with.
        """
        self._check = check
        self.epoch += 1
        self._closing = False
        self._queue = SimpleQueue()
        self._data_version = _data_version(connection)
        self._thread = Thread(target=self._work, args=(connection,), name="headwater-writer", daemon=True)
        self._thread.start()

    def run(
        self, job: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        """Queue a job; the future resolves when it is committed, or has failed.

        Cancelled before the job starts, it is skipped; afterwards it still runs, and its outcome is unknown.
        Raises StoreClosed, StoreBusy.
        """
        return self._put(lambda connection: job(connection, *args, **kwargs), alone=False)

    def run_alone(
        self, job: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        """As `run`, always in a savepoint.

        For jobs that change the schema, which is no change of a row, and for those that run handlers, which are not
        to be run twice because one of them fails.
        """
        return self._put(lambda connection: job(connection, *args, **kwargs), alone=True)

    def look(self) -> None:
        """Look for other processes' commits now, and on and on while the listener listens. Raises StoreClosed."""
        self._check_open()
        self._queue.put(_LOOK)  # behind the end of the queue it harms nobody

    def close(self) -> None:
        """Finish what is queued and close the connection. Blocks; idempotent."""
        thread = self._thread
        with self._intake:
            if thread is not None and not self._closing:
                self._closing = True
                self._queue.put(None)
        if thread is not None:
            thread.join()
            self._thread = None

    def _put(self, call: Callable[[apsw.Connection], T], alone: bool) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._intake:
            self._check_open()
            if self._queue.qsize() >= self._limit:
                raise StoreBusy(f"{self._limit:,} writes are waiting already: try again later, with fewer at once")
            self._queue.put(Work(call, cast("asyncio.Future[object]", future), alone))
        return future

    def _check_open(self) -> None:
        if self._thread is None or self._closing:
            raise StoreClosed("this SQLite store is closed: await its open() first")

    # -- on the writer's thread --------------------------------------------------------------------------------

    def _work(self, connection: apsw.Connection) -> None:
        is_open = True
        while is_open:
            jobs, is_open = self._next_group(connection)
            if jobs:
                self._commit(connection, jobs)
        connection.close()

    def _next_group(self, connection: apsw.Connection) -> tuple[list[Work], bool]:
        """What waits, and whether more may come; waits for the first job if there is none."""
        jobs: list[Work] = []
        wait: float | None = _POLL if self._listener.listening() else None
        try:
            while len(jobs) < _GROUP:
                job = self._queue.get(timeout=wait) if not jobs else self._queue.get_nowait()
                if job is None:
                    return jobs, False
                if job is _LOOK:
                    break
                jobs.append(job)
        except Empty:
            pass
        if not jobs:
            with suppress(apsw.Error):  # the next transaction meets it again, and has somebody to tell
                self._notice_others(connection)
        return jobs, True

    def _commit(self, connection: apsw.Connection, jobs: Sequence[Work], careful: bool = False) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._notice_others(connection)
            outcomes = [self._run(connection, job, careful) for job in jobs if not job.future.cancelled()]
        except _GroupSpoiled:
            self._roll_back(connection)
            self._commit(connection, jobs, careful=True)
            return
        except BaseException as error:
            self._roll_back(connection)
            settle([Outcome(job, error=error) for job in jobs])
            return
        settle(self._end(connection, outcomes))

    def _run(self, connection: apsw.Connection, job: Work, careful: bool) -> Outcome:
        """Run one job: its failure is its own, unless it leaves something behind."""
        if careful or job.alone:
            return self._run_in_savepoint(connection, job)
        before = connection.total_changes()
        try:
            return Outcome(job, job.call(connection))
        except BaseException as error:
            if connection.total_changes() != before or not connection.in_transaction:
                raise _GroupSpoiled from error
            return Outcome(job, error=error)

    def _run_in_savepoint(self, connection: apsw.Connection, job: Work) -> Outcome:
        connection.execute("SAVEPOINT job")
        try:
            outcome = Outcome(job, job.call(connection))
        except BaseException as error:
            if not connection.in_transaction:  # SQLite itself has rolled all of it back
                raise
            connection.execute("ROLLBACK TO job")
            self.epoch += 1
            outcome = Outcome(job, error=error)
        connection.execute("RELEASE job")
        return outcome

    def _end(self, connection: apsw.Connection, outcomes: list[Outcome]) -> list[Outcome]:
        """Commit, and say so; or say of each job that it failed."""
        try:
            self._check()
            connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back(connection)
            return [outcome if outcome.error else outcome.failed(commit_failed(error)) for outcome in outcomes]
        self._listener.committed()
        return outcomes

    def _roll_back(self, connection: apsw.Connection) -> None:
        self.epoch += 1
        if connection.in_transaction:
            with suppress(apsw.Error):  # the error that led here is the one to tell
                connection.execute("ROLLBACK")

    def _notice_others(self, connection: apsw.Connection) -> None:
        version = _data_version(connection)
        if version != self._data_version:
            self._data_version = version
            self.epoch += 1
            self._listener.committed(others=True)


class _GroupSpoiled(StoreError):
    """A job failed after it had changed something, outside a savepoint."""


def _data_version(connection: apsw.Connection) -> int:
    """Differs from what it was if another connection has committed in between."""
    return int(connection.execute("PRAGMA data_version").get)
