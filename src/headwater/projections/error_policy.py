"""ErrorPolicy: what becomes of an event whose handler raises."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from headwater.errors import BadDeclaration

__all__ = ["ErrorPolicies", "ErrorPolicy", "Then", "policy_for"]

Then: TypeAlias = Literal["park", "skip", "stop"]

_LONGEST = 3_600.0
"""Seconds between two times a parked event is tried again by itself, unless more are declared."""


class ErrorPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Tried again at once, then parked, skipped, or a reason to stand still."""

    retries: int = 2
    """How often the event is tried again before `then`."""
    delay: float = 0.05
    """Seconds before the first retry; doubled for each further one."""
    then: Then = "park"
    """`park`: set aside with its key; `skip`: passed by, for good; `stop`: the projection stands still at it."""
    again_after: float | None = None
    """Seconds after which a parked event is tried again by itself, doubled for each further time, up to an hour."""

    def __post_init__(self) -> None:
        if type(self.retries) is not int or self.retries < 0:
            raise BadDeclaration(f"retries is a whole number from 0, got {self.retries!r}")
        if not 0 <= self.delay < math.inf:
            raise BadDeclaration(f"delay is a number of seconds from 0, got {self.delay!r}")
        if self.then not in ("park", "skip", "stop"):
            raise BadDeclaration(f"then= is 'park', 'skip' or 'stop', got {self.then!r}")
        if self.again_after is not None and not 0 < self.again_after < math.inf:
            raise BadDeclaration(f"again_after is a number of seconds above 0, or None, got {self.again_after!r}")

    def pause(self, attempts: int) -> float | None:
        """Seconds before the next try of an event that was tried so often in a row; None: there is none."""
        return self.delay * 2.0 ** min(attempts - 1, 60) if attempts <= self.retries else None

    def rest(self, times: int) -> float | None:
        """Seconds a parked event is left alone that was parked so often before; None: until somebody asks."""
        if self.again_after is None:
            return None
        return max(self.again_after, min(self.again_after * 2.0 ** min(times, 60), _LONGEST))


ErrorPolicies: TypeAlias = Mapping[type[Exception], ErrorPolicy]
"""By class of error; the nearest class counts, as with `except`."""


def policy_for(error: Exception, policies: ErrorPolicies, default: ErrorPolicy) -> ErrorPolicy:
    """What is declared for the nearest class of the error."""
    return next((policies[cls] for cls in type(error).__mro__ if cls in policies), default)
