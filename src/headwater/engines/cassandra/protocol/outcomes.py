"""Outcomes: what an append comes to."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from headwater.domain.append import UniqueKey

__all__ = ["CertainFailure", "Committed", "Conflict", "KeyTaken", "Outcome", "OutcomeUnknown"]


class Committed(msgspec.Struct, frozen=True):
    """All of it, for good."""


class Conflict(msgspec.Struct, frozen=True):
    """Certainly not: the stream went on without it."""

    actual: int | None
    """The stream's version as far as this chunk knows; None where it has none."""


class KeyTaken(msgspec.Struct, frozen=True):
    """Certainly not: another stream holds a key that it claims."""

    key: UniqueKey
    holder: str


class CertainFailure(msgspec.Struct, frozen=True):
    """Certainly not, though the stream may stand where it stood: another attempt may succeed."""

    reason: str


class OutcomeUnknown(msgspec.Struct, frozen=True):
    """Committed or not: ask again, by the command's id."""


Outcome: TypeAlias = Committed | Conflict | KeyTaken | CertainFailure | OutcomeUnknown
