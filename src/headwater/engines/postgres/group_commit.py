"""Group commit: one group of appends, whatever happens on the way, until it is known what became of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from headwater.domain.append import Append
from headwater.engines.postgres.append_plan import Plan
from headwater.engines.postgres.append_transaction import AppendTransaction, CommitUnknown, Follow, Raced, Unfit
from headwater.engines.postgres.errors import is_connection_lost, is_to_run_again, is_unique_violation
from headwater.engines.postgres.pool import Pool
from headwater.engines.sql.stepping import HandlerRaised
from headwater.errors import (
    AppendOutcomeUnknown,
    DuplicateEventId,
    HeadwaterError,
    StorageFull,
    StoreBusy,
    StoreClosed,
    StoreReadOnly,
    StoreUnavailable,
)

__all__ = ["GroupCommit"]

_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5
"""Seconds between two tries while the server is out of reach."""
_NOT_TO_BLAME: Final = (HandlerRaised, StorageFull, StoreBusy, StoreClosed, StoreReadOnly, StoreUnavailable)
"""What no append of the group is to blame for."""


class GroupCommit:
    """Commits groups. One whose connection breaks before COMMIT was sent is certainly not committed, and is sent again.

    One whose COMMIT got no reply is looked up under the same locks first: whoever has them knows that its transaction
    has ended. All of it ends at the deadline: what is certainly not committed is StoreUnavailable then, what may be
    committed is AppendOutcomeUnknown.
    """

    def __init__(self, pool: Pool, transaction: AppendTransaction, deadline: float) -> None:
        self._pool = pool
        self._transaction = transaction
        self._deadline = deadline

    async def commit(self, appends: Sequence[Append], follow: Follow | None = None) -> Plan:
        """The plan of a group, committed. Raises what all of it failed with, or Unfit."""
        deadline = asyncio.get_running_loop().time() + self._deadline
        pauses = _Pauses(deadline)
        knowing = False
        while True:
            try:
                plan = await self._attempt(appends, knowing, follow, deadline)
            except CommitUnknown as unknown:
                if not await self._is_settled(appends, unknown.plan, pauses):
                    continue
                plan = unknown.plan
            except TimeoutError as error:
                what = f"the server did not do it within {self._deadline:g} s: nothing is committed, try again later"
                raise StoreUnavailable(what) from error
            except (HeadwaterError, OSError) as error:
                knowing = True  # the next look is a thorough one
                if not await self._may_go_on(appends, error, pauses):
                    raise
                continue
            except Exception as error:  # none of ours: what one append holds, and nobody has looked at
                raise Unfit(error) from error
            self._pool.committed()
            return plan

    async def _attempt(self, appends: Sequence[Append], knowing: bool, follow: Follow | None, deadline: float) -> Plan:
        async with asyncio.timeout_at(deadline), self._pool.connection() as connection:
            return await self._transaction.commit(connection, appends, knowing, follow)

    async def _may_go_on(self, appends: Sequence[Append], error: Exception, pauses: _Pauses) -> bool:
        """Whether a group that is certainly not committed is to be tried again; raises Unfit, DuplicateEventId."""
        cause = error.__cause__ or error
        if isinstance(error, Unfit):
            return False
        if isinstance(error, Raced) or is_to_run_again(cause):
            return True
        if isinstance(error, StoreUnavailable) and is_connection_lost(cause):
            return await pauses.next()
        if isinstance(error, _NOT_TO_BLAME):
            return False
        if len(appends) == 1 and is_unique_violation(cause):
            async with self._pool.connection() as connection:
                taken = await self._transaction.taken(connection, appends[0])
            if taken is not None:
                raise DuplicateEventId(taken.hex()) from error
            return True  # the stream was made meanwhile, in another partition
        raise Unfit(error) from error

    async def _is_settled(self, appends: Sequence[Append], plan: Plan, pauses: _Pauses) -> bool:
        """Whether a group whose COMMIT got no reply is in; raises AppendOutcomeUnknown if nobody says so in time."""
        while await pauses.next():
            with suppress(HeadwaterError, OSError, TimeoutError):
                async with asyncio.timeout_at(pauses.deadline), self._pool.connection() as connection:
                    return await self._transaction.settled(connection, plan)
        raise AppendOutcomeUnknown(next((append.command.id for append in appends if append.command is not None), None))


class _Pauses:
    """Longer and longer pauses, up to a deadline."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._pause = _FIRST_PAUSE

    async def next(self) -> bool:
        """Wait a while; False, at once, where that would be past the deadline."""
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        if asyncio.get_running_loop().time() + pause >= self.deadline:
            return False
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 -- only to spread the tries
        return True
