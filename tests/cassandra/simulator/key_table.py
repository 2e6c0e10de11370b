"""Key table: the rows of unique keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from headwater.domain.append import UniqueKey
from headwater.engines.cassandra.protocol.replies import Answer, NotApplied
from headwater.engines.cassandra.protocol.requests import ConfirmKey, DropReservation, ReadKeySerially, ReserveKey
from headwater.engines.cassandra.protocol.rows import KeyRow, Reservation
from tests.cassandra.simulator.partition import Fate, Partition
from tests.cassandra.simulator.partitions import Partitions

__all__ = ["KeyTable"]


class KeyTable:
    """A partition for each key."""

    def __init__(self, partitions: Partitions) -> None:
        self._partitions = partitions

    def read(self, request: ReadKeySerially, _: Fate) -> KeyRow:
        return _row(self._partitions.resolved(request.key).statics)

    def reserve(self, request: ReserveKey, fate: Fate) -> Answer[KeyRow]:
        seen, cells = request.seen, {**_cells(request.row), "turn": request.row.turn}
        expected = {"holder": seen.holder, "attempt": _attempt(seen.reservation), "turn": seen.turn}
        return self._write(request.key, expected, cells, fate)

    def confirm(self, request: ConfirmKey, fate: Fate) -> Answer[KeyRow]:
        return self._write(request.key, {"attempt": request.attempt}, _cells(KeyRow(request.holder)), fate)

    def drop(self, request: DropReservation, fate: Fate) -> Answer[KeyRow]:
        cells: dict[str, object] = {"attempt": None, "reservation": None}
        return self._write(request.key, {"attempt": request.attempt}, cells, fate)

    def names(self, key: UniqueKey, attempt: bytes) -> bool:
        """Whether a key is reserved by an attempt, as far as it is decided."""
        return self._partitions.decided(key).get("attempt") == attempt

    def _write(
        self, key: UniqueKey, expected: Mapping[str, object], cells: Mapping[str, object], fate: Fate
    ) -> Answer[KeyRow]:
        answer: Answer[Partition] = self._partitions.compare_and_set(key, expected, cells, {}, fate)
        return NotApplied(_row(answer.row.statics)) if isinstance(answer, NotApplied) else answer


def _attempt(reservation: Reservation | None) -> bytes | None:
    return None if reservation is None else reservation.attempt


def _cells(row: KeyRow) -> dict[str, object]:
    return {"holder": row.holder, "attempt": _attempt(row.reservation), "reservation": row.reservation}


def _row(statics: Mapping[str, object]) -> KeyRow:
    return KeyRow(
        cast("str | None", statics.get("holder")),
        cast("Reservation | None", statics.get("reservation")),
        cast("int | None", statics.get("turn")),
    )
