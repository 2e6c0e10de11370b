"""Lease table: the requests of the protocol about leases, as statements."""

from __future__ import annotations

from typing import cast

from headwater.engines.cassandra.protocol.replies import APPLIED, Answer, NotApplied
from headwater.engines.cassandra.protocol.requests import ReadLease, ReadLeaseSerially, WriteLease
from headwater.engines.cassandra.protocol.rows import LeaseRow
from headwater.engines.cassandra.session import Session, Step

__all__ = ["LeaseTable"]


class LeaseTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def read_lease(self, request: ReadLease | ReadLeaseSerially) -> LeaseRow | None:
        serially = isinstance(request, ReadLeaseSerially)
        row = await self._session.row("read_lease", request.name, serially=serially)
        return None if row is None else LeaseRow(*cast("tuple[str, int, int, int]", row))

    async def write_lease(self, request: WriteLease) -> Answer[LeaseRow | None]:
        row, seen = request.row, request.seen
        wanted = row.owner, row.epoch, row.expires_at, row.ttl
        step: Step = "insert_lease", (request.name, *wanted)
        if seen is not None:
            step = "update_lease", (*wanted, request.name, seen.owner, seen.epoch, seen.expires_at, seen.ttl)
        refusal = await self._session.compare_and_set(step)
        if refusal is None:
            return APPLIED
        found = refusal.found
        names = "owner", "epoch", "expires_at", "ttl"
        if found.get("epoch") is None:
            return NotApplied(None)
        return NotApplied(LeaseRow(*cast("tuple[str, int, int, int]", tuple([found[name] for name in names]))))
