"""Appender: whatever waits when the last group of appends is in becomes the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from headwater.domain.append import Append, Appended
from headwater.engines.postgres.append_plan import Plan
from headwater.engines.postgres.append_transaction import Follow, Unfit
from headwater.engines.postgres.group_commit import GroupCommit
from headwater.engines.sql.stepping import HandlerRaised
from headwater.errors import AppendOutcomeUnknown, HeadwaterError, StoreBusy, StoreClosed, StoreError

__all__ = ["Appender", "Placed"]

Placed: TypeAlias = tuple[Appended, list[tuple[int, int]]]
"""An outcome, and partition and offset of the last event of each of its writes; none for what was committed before."""

_GROUP: Final = 1_000
"""Appends in one transaction, at most."""
_GROUP_EVENTS: Final = 10_000
_GROUP_BYTES: Final = 8 << 20
"""Of their events, at most, data and context of each; one append alone may have more."""


class _Waiting:
    """An append that waits for its group, and the future of its caller."""

    __slots__ = ("alone", "append", "bytes", "events", "future")

    def __init__(self, append: Append, future: asyncio.Future[Placed]) -> None:
        self.append = append
        self.future = future
        self.alone = False
        """Whether it is to be a group of its own."""
        sizes = [len(event.data) for write in append.writes for event in write.events]
        self.events = len(sizes)
        self.bytes = sum(sizes) + len(sizes) * len(append.context)


class Appender:
    """One task that commits groups; and tasks of their own for appends that do more in their transaction."""

    def __init__(self, groups: GroupCommit, limit: int) -> None:
        self._groups = groups
        self._limit = limit
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._alone: set[asyncio.Task[Plan]] = set()

    def start(self) -> None:
        """Take appends from now on."""
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._work(), name="headwater-appender")

    async def stop(self) -> None:
        """Commit what waits, and take no more; idempotent."""
        task, self._task = self._task, None
        self._wake.set()
        if under_way := {*self._alone, *((task,) if task is not None else ())}:
            await asyncio.wait(under_way)

    def append(self, append: Append) -> asyncio.Future[Placed]:
        """Queue an append; the future resolves when it is committed, or has failed.

        Cancelled before its group begins, it is skipped; afterwards its outcome is unknown. Raises StoreClosed,
        StoreBusy.
        """
        self._check_open()
        if len(self._queue) >= self._limit:
            raise StoreBusy(f"{self._limit:,} appends are waiting already: try again later, with fewer at once")
        future: asyncio.Future[Placed] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(append, future))
        self._wake.set()
        return future

    async def append_alone(self, append: Append, follow: Follow) -> Placed:
        """An append in a transaction of its own, in which `follow` has its turn; cancelled, its outcome is unknown."""
        self._check_open()
        task = asyncio.create_task(self._groups.commit([append], follow), name="headwater-append")
        self._alone.add(task)
        task.add_done_callback(self._alone.discard)
        try:
            plan = await asyncio.shield(task)
        except Unfit as error:
            raise error.reason from error.reason.__cause__
        except HandlerRaised as error:
            raise error.error from error.error.__cause__
        return _placed(plan, 0)

    def _check_open(self) -> None:
        if self._task is None:
            raise StoreClosed("this PostgreSQL store is closed: await its open() first")

    # -- in the task -----------------------------------------------------------

    async def _work(self) -> None:
        try:
            while self._queue or self._task is not None:
                if group := self._next_group():
                    await self._commit(group)
                elif self._task is not None:
                    self._wake.clear()
                    await self._wake.wait()
        finally:  # where the loop ends before the store is closed, what waits is certainly not committed
            self._task = None
            _fail(self._queue, StoreClosed("this PostgreSQL store was closed meanwhile: open it anew"))
            self._queue.clear()

    def _next_group(self) -> list[_Waiting]:
        """What waits first, as much of it as goes together."""
        group: list[_Waiting] = []
        events, bytes = _GROUP_EVENTS, _GROUP_BYTES
        while self._queue and len(group) < _GROUP:
            first = self._queue[0]
            if group and (group[0].alone or first.alone or first.events > events or first.bytes > bytes):
                break
            self._queue.popleft()
            if not first.future.cancelled():
                group.append(first)
                events, bytes = events - first.events, bytes - first.bytes
        return group

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        """Commit a group; should the server refuse it whole, each append will be one."""
        try:
            plan = await self._groups.commit([waiting.append for waiting in group])
        except Unfit as error:
            if len(group) == 1:
                _fail(group, error.reason)
            else:
                self._take_apart(group)
        except BaseException as error:
            _fail(group, error)
            if not isinstance(error, Exception):
                raise
        else:
            for index, waiting in enumerate(group):
                _settle(waiting, plan, index)

    def _take_apart(self, group: Sequence[_Waiting]) -> None:
        """Have each be a group of its own, next and in their order."""
        for waiting in reversed(group):
            waiting.alone = True
            self._queue.appendleft(waiting)


def _placed(plan: Plan, index: int) -> Placed:
    """Raises what the append was refused for."""
    outcome = plan.outcomes[index]
    if isinstance(outcome, HeadwaterError):
        raise outcome
    return outcome, plan.places(index)


def _settle(waiting: _Waiting, plan: Plan, index: int) -> None:
    if waiting.future.done():
        return
    outcome = plan.outcomes[index]
    if isinstance(outcome, HeadwaterError):
        waiting.future.set_exception(outcome)
    else:
        waiting.future.set_result((outcome, plan.places(index)))


def _fail(group: Iterable[_Waiting], error: BaseException) -> None:
    for waiting in group:
        if not waiting.future.done():
            waiting.future.set_exception(_of(waiting, error))


def _of(waiting: _Waiting, error: BaseException) -> BaseException:
    """The error of one append of a group that failed whole: an exception belongs to one caller."""
    command = waiting.append.command
    if isinstance(error, AppendOutcomeUnknown) or not isinstance(error, Exception):
        own: BaseException = AppendOutcomeUnknown(None if command is None else command.id)
    elif isinstance(error, StoreError):
        own = type(error)(*error.args)
    else:
        return error
    own.__cause__ = error.__cause__ or error
    return own
