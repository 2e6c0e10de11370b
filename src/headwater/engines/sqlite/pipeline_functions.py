"""The sums that SQLite's own functions do not give as `headwater.models.pipeline` means them.

Exact integers arrive in halves, the sum of the upper and of the lower 32 bits, because `sum()` fails when the total
passes 64 bits on its way. Each is called once for a group. Sums of floats are exact too and rounded once, so that
they do not depend on the order of the rows.
"""

# apsw's annotations name collections.abc.Buffer, which is new in Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from array import array
from typing import cast
from weakref import WeakSet

import apsw

from headwater.models.evaluate_pipeline import checked_sum, finite_sum, rounded_average

__all__ = ["register"]

_REGISTERED: WeakSet[apsw.Connection] = WeakSet()


def register(connection: apsw.Connection) -> None:
    """Make the functions known to a connection; idempotent."""
    if connection in _REGISTERED:
        return
    connection.create_scalar_function("headwater_sum", _sum, 3, deterministic=True)
    connection.create_scalar_function("headwater_average", _average, 4, deterministic=True)
    connection.create_scalar_function("headwater_mean", _mean, 3, deterministic=True)
    connection.create_aggregate_function("headwater_float_sum", _FloatSum, 2)
    connection.create_aggregate_function("headwater_float_mean", _FloatMean, 2)
    _REGISTERED.add(connection)


def _sum(*arguments: object) -> int:
    upper, lower, name = cast("tuple[int, int, str]", arguments)
    return checked_sum((upper << 32) + lower, name)


def _average(*arguments: object) -> int | None:
    """Of Decimals, in units with four more digits."""
    upper, lower, count, name = cast("tuple[int, int, int, str]", arguments)
    return checked_sum(rounded_average((upper << 32) + lower, count), name) if count else None


def _mean(*arguments: object) -> float | None:
    """Of integers."""
    upper, lower, count = cast("tuple[int, int, int]", arguments)
    return float((upper << 32) + lower) / count if count else None


class _FloatSum:
    """The sum of a group's floats, null left out."""

    def __init__(self) -> None:
        self._present = array("d")
        self._name = ""

    def step(self, *values: object) -> None:
        value, self._name = cast("tuple[float | None, str]", values)
        if value is not None:
            self._present.append(value)

    def final(self) -> float | None:
        return finite_sum(self._present, self._name)


class _FloatMean(_FloatSum):
    """The average of a group's floats, null left out."""

    def final(self) -> float | None:
        return cast("float", super().final()) / len(self._present) if self._present else None
