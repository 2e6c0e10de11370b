"""Performer: runs the cores of the protocol on a real cluster."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias, TypeVar, cast

from headwater.engines.cassandra.errors import is_out_of_reach, never_left
from headwater.engines.cassandra.protocol import requests as asked
from headwater.engines.cassandra.protocol.core import Asked, Core
from headwater.engines.cassandra.protocol.replies import FAILED, UNKNOWN
from headwater.engines.cassandra.protocol.request import ConditionalWrite, Pause, PlainWrite, Request
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.tables.intent_table import IntentTable
from headwater.engines.cassandra.tables.key_table import KeyTable
from headwater.engines.cassandra.tables.lease_table import LeaseTable
from headwater.engines.cassandra.tables.log_table import LogTable
from headwater.engines.cassandra.tables.stream_table import StreamTable
from headwater.errors import StoreError, StoreUnavailable

__all__ = ["Performer"]

T = TypeVar("T")
_Doing: TypeAlias = Callable[[Request[object]], Awaitable[object]]

_FIRST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 1.0
"""Seconds. A pause doubles each time, and is drawn from its upper half, so that two that wait do not keep in step."""


class Performer:
    """Asks the cluster what a core asks. Nothing is repeated here, or a core would not know what was sent.

    What fails is told to the core as the protocol has it: a read as StoreUnavailable, a plain write as not
    acknowledged, a conditional one as unknown; after a pause, so that a core may go on at once. Any other error ends
    the core, and is raised.
    """

    def __init__(self, session: Session) -> None:
        self._doing = _handlers(session)

    async def run(self, core: Core[T]) -> T:
        """The outcome of a core."""
        waits = _Waits()
        reply: object = None
        failure: BaseException | None = None
        while True:
            try:
                wanted = core.send(reply) if failure is None else core.throw(failure)
            except StopIteration as end:
                return cast("T", end.value)
            reply, failure = None, None
            try:
                reply = await self._reply(wanted, waits)
            except StoreUnavailable as error:
                failure = error

    async def _reply(self, wanted: Asked, waits: _Waits) -> object:
        if isinstance(wanted, Request):
            return await self._perform(wanted, waits)
        if len(wanted) == 1:
            return [await self._perform(wanted[0], waits)]
        replies = await asyncio.gather(*[self._perform(each, waits) for each in wanted], return_exceptions=True)
        for reply in replies:  # only now, so that none is under way when the core goes on
            if isinstance(reply, BaseException):
                raise reply
        return replies

    async def _perform(self, request: Request[object], waits: _Waits) -> object:
        if isinstance(request, Pause):
            await waits.wait()
            return None
        try:
            return await self._doing[type(request)](request)
        except StoreError as error:
            if not is_out_of_reach(error):
                raise
            await waits.wait()
            if isinstance(request, PlainWrite):
                return False
            if isinstance(request, ConditionalWrite):
                return FAILED if never_left(error) else UNKNOWN
            raise StoreUnavailable(str(error)) from error


class _Waits:
    """The pauses of one core, each longer than the one before."""

    def __init__(self) -> None:
        self._next = _FIRST_PAUSE

    async def wait(self) -> None:
        seconds, self._next = self._next, min(self._next * 2, _LONGEST_PAUSE)
        await asyncio.sleep(seconds * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


def _handlers(session: Session) -> Mapping[type[Request[object]], _Doing]:
    streams, intents, log = StreamTable(session), IntentTable(session), LogTable(session)
    leases, keys = LeaseTable(session), KeyTable(session)
    doing = {
        asked.ReadStatics: streams.read_statics,
        asked.ReadRows: streams.read_rows,
        asked.ReadRowSerially: streams.read_row_serially,
        asked.ReadCommand: streams.read_command,
        asked.ReadCommandSerially: streams.read_command,
        asked.AppendEvents: streams.append_events,
        asked.FenceChunk: streams.fence_chunk,
        asked.WriteLogged: streams.write_logged,
        asked.InsertIntent: intents.insert_intent,
        asked.DeleteIntents: intents.delete_intents,
        asked.ScanSlot: intents.scan_slot,
        asked.ListSlots: intents.list_slots,
        asked.ReadSettled: log.read_settled,
        asked.WriteSettled: log.write_settled,
        asked.ReadBucketSerially: log.read_bucket_serially,
        asked.AppendLog: log.append_log,
        asked.ReadCounts: log.read_counts,
        asked.WriteCount: log.write_count,
        asked.WriteNames: log.write_names,
        asked.WriteCommand: log.write_command,
        asked.ReadLease: leases.read_lease,
        asked.ReadLeaseSerially: leases.read_lease,
        asked.WriteLease: leases.write_lease,
        asked.ReadKeySerially: keys.read_key_serially,
        asked.ReserveKey: keys.reserve_key,
        asked.ConfirmKey: keys.confirm_key,
        asked.DropReservation: keys.drop_reservation,
    }
    return cast("Mapping[type[Request[object]], _Doing]", doing)
