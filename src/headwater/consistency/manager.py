"""ConsistencyManager: looks, again and again, whether what should agree does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Final, Protocol, Self

import msgspec

from headwater.consistency.checks.bound import BoundCheck
from headwater.consistency.checks.check import CheckLike, CheckResult, parse_checks, seconds_of
from headwater.consistency.checks.results import CheckResults
from headwater.consistency.checks.running import CheckRun
from headwater.consistency.repairs import Repairs
from headwater.errors import BadDeclaration, UnknownName
from headwater.ports.leases import Lease
from headwater.projections.audit import Audit
from headwater.projections.parts import ProjectionParts, Sleep
from headwater.projections.projection import Projection
from headwater.projections.renewal import Renewal

__all__ = ["ConsistencyManager", "HasConsistencyParts", "HasProjections"]

LEASE: Final = "consistency"
_GRACE: Final = 15.0
"""Seconds a process may be late before another takes over its schedule."""
_log = logging.getLogger("headwater.consistency")


class HasProjections(Protocol):
    """What runs projections: a ReadModelSynchronizer is one."""

    @property
    def projections(self) -> Mapping[str, Projection]: ...


class HasConsistencyParts(Protocol):
    """An application: CQRSManager is one."""

    @property
    def synchronizer(self) -> HasProjections: ...

    def projection_parts(self) -> ProjectionParts: ...


class ConsistencyManager:
    """Runs checks on a schedule, counts only what lag does not explain, and repairs what has lasted.

    An inconsistency found while the projections a check looks at are behind the log is looked at again when they have
    caught up, for which they have `max_inconsistency_window`. One that lasts longer than that, from run to run, has
    `on_inconsistency` called, at most `repairs_per_hour` times within any hour for each check, and is then looked at
    once more. A check that raises is reported as failed and stops nothing.

    Any number of processes may run the same schedule; the one that holds the lease `consistency` does. Results and
    repairs are kept in the journal as `check.<name>` and `repair.<name>`: every result of `run_checks`; of the
    schedule those that bring news, and one an hour.

    Raises BadDeclaration, BadSignature, DuplicateName, InvalidIdentifier or UnknownName for what cannot work.
    """

    def __init__(
        self,
        application: HasConsistencyParts,
        *,
        max_inconsistency_window: float | timedelta = 5.0,
        reconciliation_interval: float | timedelta = 60.0,
        consistency_checks: Iterable[CheckLike] = (),
        repairs_per_hour: int = 4,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Times are seconds or timedelta; `maxInconsistencyWindow: 30000` of other toolkits is 30.0 here.

        A check is a ConsistencyCheck, or a mapping of its fields (`on_inconsistency` or `onInconsistency`).
        """
        if type(repairs_per_hour) is not int or repairs_per_hour < 0:
            raise BadDeclaration(f"repairs_per_hour= is a whole number from 0, got {repairs_per_hour!r}")
        parts, known = application.projection_parts(), application.synchronizer.projections
        self._parts = parts
        self._window = seconds_of(max_inconsistency_window, "max_inconsistency_window=")
        self._interval = seconds_of(reconciliation_interval, "reconciliation_interval=")
        declared = parse_checks(consistency_checks)
        self._checks = {check.name: BoundCheck(check, parts.injector, known) for check in declared}
        audit = Audit(parts.journal, parts.clock)
        self._owner = f"{audit.whoami}:{secrets.token_hex(4)}"
        self._run = CheckRun(parts, self._window)
        self._results = CheckResults(parts.journal, audit)
        self._repairs = Repairs(parts.journal, audit, parts.clock, repairs_per_hour)
        self._sleep = sleep
        self._cursors: dict[str, str] = {}
        self._due: dict[str, int] = {}
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._lease: Lease | None = None

    @property
    def checks(self) -> Sequence[str]:
        """The names of the checks, in their order."""
        return tuple(self._checks)

    async def start(self) -> None:
        """Begin the schedule, in a task of this loop; starting twice changes nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._schedule())

    async def stop(self) -> None:
        """End it, in the middle of a check if need be, and leave it to another process; idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait((task,))
        if self._lease is not None:
            await self._parts.leases.release(self._lease)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def run_checks(self, names: Iterable[str] | None = None, *, repair: bool = True) -> Sequence[CheckResult]:
        """Run these checks now, or all, each from its beginning to its end, and keep the results.

        What has lasted is repaired as by the schedule, unless another process is at it; `repair=False` only looks.
        Raises UnknownName; StoreError where nothing can be kept.
        """
        wanted = [self._check(name) for name in (self._checks if names is None else names)]
        results: list[CheckResult] = []
        for check in wanted:
            async with self._turn:
                last = await self._results.last(check.name)
                result = await self._judged(check, None, last, repair)
                await self._results.keep(result)
                results.append(result)
        return results

    async def last_results(self) -> Sequence[CheckResult]:
        """The newest result kept of each check that has one, whichever process ran it."""
        found = [await self._results.last(name) for name in self._checks]
        return [result for result in found if result is not None]

    # -- the schedule ----------------------------------------------------------

    async def _schedule(self) -> None:
        while True:
            try:
                async with self._held(self._interval + _GRACE) as is_held:
                    if is_held:
                        await self._round()
            except Exception as error:  # the store may be back by the next round
                _log.warning("a round of consistency checks ended early: %s: %s", type(error).__name__, error)
            await self._sleep(self._interval)

    async def _round(self) -> None:
        """Every check that is due, one part of each."""
        for check in self._checks.values():
            now = self._parts.timer()
            if now < self._due.get(check.name, now):
                continue
            async with self._turn:
                last = await self._results.last(check.name)
                result = await self._judged(check, self._cursor(check.name, last), last, True)
                await self._results.keep_news(result, last)
            self._due[check.name] = now + round(check.every * 1_000_000)

    def _cursor(self, name: str, last: CheckResult | None) -> str:
        """Where the schedule goes on: at what was found inconsistent, else where this process was, or the last one."""
        if last is None:
            return self._cursors.get(name, "")
        return last.cursor if last.outcome == "inconsistent" else self._cursors.get(name, last.cursor)

    # -- one check -------------------------------------------------------------

    async def _judged(
        self, check: BoundCheck, cursor: str | None, last: CheckResult | None, repairs: bool
    ) -> CheckResult:
        """Look, and repair what has lasted; the part at the cursor, or every part."""
        result = _dated(await self._look(check, cursor), last)
        lasted_long = result.since is not None and result.at - result.since > self._window * 1_000_000
        if result.outcome == "inconsistent" and repairs and check.repairs and lasted_long:
            said = await self._repair(check, result)
            if said == "done":
                result = _dated(await self._look(check, cursor), result)
            outcome = "repaired" if result.outcome == "ok" else result.outcome
            result = msgspec.structs.replace(result, outcome=outcome, repair=said)
        self._cursors[check.name] = result.cursor
        return result

    async def _look(self, check: BoundCheck, cursor: str | None) -> CheckResult:
        return await (self._run.whole(check) if cursor is None else self._run.one_part(check, cursor))

    async def _repair(self, check: BoundCheck, result: CheckResult) -> str:
        """Under the lease, so that no two processes repair one thing."""
        async with self._held(_GRACE if self._task is None else self._interval + _GRACE) as is_held:
            if not is_held:
                return "left to the process that runs the schedule"
            return await self._repairs.run(result, check.repair)

    @contextlib.asynccontextmanager
    async def _held(self, seconds: float) -> AsyncGenerator[bool, None]:
        """The lease, kept while the work goes on, and by the schedule until its next round; False: another has it."""
        self._lease = lease = await self._parts.leases.acquire(LEASE, self._owner, seconds)
        if lease is None:
            yield False
            return
        try:
            async with Renewal(self._parts.leases, seconds, [lease]):
                yield True
        finally:
            if self._task is None:
                await self._parts.leases.release(lease)

    def _check(self, name: str) -> BoundCheck:
        check = self._checks.get(name)
        if check is None:
            raise UnknownName(f"no consistency check {name!r}: known are {', '.join(self._checks) or 'none'}")
        return check


def _dated(result: CheckResult, last: CheckResult | None) -> CheckResult:
    """The result with since when it has been so: as long as the one before, if that was at the same place.

    A check that failed has shown nothing new.
    """
    since, cursor = (None, "") if last is None else (last.since, last.cursor)
    match result.outcome:
        case "inconsistent":
            return msgspec.structs.replace(result, since=since if since and result.cursor == cursor else result.at)
        case "failed":
            return msgspec.structs.replace(result, since=since, cursor=cursor if since else result.cursor)
        case _:
            return result
