"""Leasing: who is to do a piece of work. For progress alone: what is safe is so by its own conditions."""

from __future__ import annotations

import msgspec

from headwater.engines.cassandra.protocol.core import Core, ask
from headwater.engines.cassandra.protocol.replies import Applied, NotApplied
from headwater.engines.cassandra.protocol.requests import ReadLease, ReadLeaseSerially, WriteLease
from headwater.engines.cassandra.protocol.rows import LeaseRow

__all__ = ["acquire", "back_off", "lasts", "release"]

NOBODY = ""
SKEW = 5_000_000
"""Microseconds by which the clocks of processes may differ: one that is wrong by more has stepped."""


def acquire(name: str, owner: str, now: int, ttl: int) -> Core[LeaseRow | None]:
    """L1: take a lease that is free or has expired, or keep one's own; None while another has it.

    Args:
        owner: a name that no other process has, nor ever had.
        now: by the caller's clock, in microseconds since 1970.
        ttl: microseconds until it is to expire.
    """
    seen = yield from ask(ReadLease(name))  # it may be stale: the write compares
    while True:
        keeps = seen is not None and seen.owner == owner and seen.expires_at > now
        if seen is not None and not keeps and lasts(seen, now):
            return None
        epoch = 1 if seen is None else seen.epoch if keeps else seen.epoch + 1
        wanted = LeaseRow(owner, epoch, now + ttl, ttl)
        answer = yield from ask(WriteLease(name, seen, wanted))
        if isinstance(answer, Applied):
            return wanted
        # Refused: the reply tells what is there. Unknown: only a serial read does.
        there = answer.row if isinstance(answer, NotApplied) else (yield from ask(ReadLeaseSerially(name)))
        if there == wanted:
            return wanted
        seen = there


def lasts(lease: LeaseRow, now: int) -> bool:
    """L3: whether anybody but its owner has to respect a lease, or a back-off, by the clock that says `now`."""
    return 0 < lease.expires_at - now <= lease.ttl + SKEW


def release(name: str, lease: LeaseRow) -> Core[None]:
    """L2: give a lease back, at best effort; nothing happens to one that was taken over."""
    yield from back_off(name, lease, 0, 0)


def back_off(name: str, lease: LeaseRow, now: int, micros: int) -> Core[None]:
    """L2: give a lease back, and let nobody have it for so long; its epoch stays, and the next one's is higher."""
    free = msgspec.structs.replace(lease, owner=NOBODY, expires_at=now + micros, ttl=micros)
    yield from ask(WriteLease(name, lease, free))
