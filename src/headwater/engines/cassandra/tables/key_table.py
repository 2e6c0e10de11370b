"""Key table: the requests of the protocol about unique keys, as statements."""

from __future__ import annotations

from typing import TypeAlias, cast
from zlib import crc32

from headwater.domain.append import UniqueKey
from headwater.engines.cassandra.protocol.replies import APPLIED, Answer, NotApplied
from headwater.engines.cassandra.protocol.requests import ConfirmKey, DropReservation, ReadKeySerially, ReserveKey
from headwater.engines.cassandra.protocol.rows import KeyRow, Reservation
from headwater.engines.cassandra.session import Session, Step

__all__ = ["SHELVES", "KeyTable"]

SHELVES = 64
"""Partitions over which the names of keys are spread."""

_Columns: TypeAlias = tuple[
    str | None, int | None, bytes | None, str | None, int | None, int | None, int | None, bool | None
]
"""Holder, turn, attempt, stream, chunk, expected, fence, claims."""


class KeyTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def read_key_serially(self, request: ReadKeySerially) -> KeyRow:
        key = request.key
        row = await self._session.row("read_key", key.scope, key.value, serially=True)
        return KeyRow() if row is None else _key_row(cast("_Columns", row))

    async def reserve_key(self, request: ReserveKey) -> Answer[KeyRow]:
        key, seen, wanted = request.key, request.seen, request.row
        if wanted.reservation is None or wanted.reservation.claims:  # none: a copy gives it away
            await self._session.write(("name_key", (_shelf(key), key.scope, key.value)))
        attempt = None if seen.reservation is None else seen.reservation.attempt
        step = "reserve_key", (*_columns(wanted), key.scope, key.value, seen.holder, attempt, seen.turn)
        return await self._answer(key, step)

    async def confirm_key(self, request: ConfirmKey) -> Answer[KeyRow]:
        key = request.key
        return await self._answer(key, ("confirm_key", (request.holder, key.scope, key.value, request.attempt)))

    async def drop_reservation(self, request: DropReservation) -> Answer[KeyRow]:
        key = request.key
        return await self._answer(key, ("drop_reservation", (key.scope, key.value, request.attempt)))

    async def _answer(self, key: UniqueKey, step: Step) -> Answer[KeyRow]:
        """A refusal tells only the columns it was on, so what is there is read."""
        if await self._session.compare_and_set(step) is None:
            return APPLIED
        return NotApplied(await self.read_key_serially(ReadKeySerially(key)))


def _shelf(key: UniqueKey) -> int:
    return crc32(f"{key.scope} {key.value}".encode()) % SHELVES


def _key_row(columns: _Columns) -> KeyRow:
    holder, turn, attempt, stream, chunk, expected, fence, claims = columns
    if attempt is None:
        return KeyRow(holder, None, turn)
    named = cast("tuple[str, int, int]", (stream, chunk, expected))
    return KeyRow(holder, Reservation(attempt, *named, fence, bool(claims)), turn)


def _columns(row: KeyRow) -> _Columns:
    by = row.reservation
    if by is None:
        return row.holder, row.turn, None, None, None, None, None, None
    return row.holder, row.turn, by.attempt, by.stream, by.chunk, by.expected, by.fence, by.claims
