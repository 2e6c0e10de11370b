"""Replies: what a conditional write comes to."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

import msgspec

__all__ = ["APPLIED", "FAILED", "UNKNOWN", "Answer", "Applied", "Failed", "NotApplied", "Unknown"]

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)


class Applied(msgspec.Struct, frozen=True):
    """The condition held, and all of it is written."""


class NotApplied(msgspec.Struct, Generic[Row_co], frozen=True):
    """The condition did not hold: of this try nothing is written, and never will be. Of an earlier one nothing is
    said."""

    row: Row_co
    """What was there instead."""


class Unknown(msgspec.Struct, frozen=True):
    """Written, or not, or to be written later by whoever comes next."""


class Failed(msgspec.Struct, frozen=True):
    """Certainly not done: it never left, or no replica took it up."""


Answer: TypeAlias = Applied | NotApplied[Row] | Unknown | Failed

APPLIED = Applied()
UNKNOWN = Unknown()
FAILED = Failed()
