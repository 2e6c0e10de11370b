"""Checks: what a consistency check is, and what it shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final, Literal, Protocol, TypeAlias, cast, runtime_checkable

import msgspec

from headwater.domain.identifier import Identifier
from headwater.errors import BadDeclaration, DuplicateName

__all__ = [
    "CheckFunction",
    "CheckLike",
    "CheckOutcome",
    "CheckResult",
    "ConsistencyCheck",
    "Inconsistency",
    "Part",
    "PartwiseCheck",
    "Repair",
    "Shown",
    "parse_checks",
    "seconds_of",
]

CheckOutcome: TypeAlias = Literal["ok", "inconsistent", "failed", "repaired"]
Shown: TypeAlias = "bool | Iterable[object]"
"""What a check's function returns: True for all is well; or what is not, in text or values of its own."""
CheckFunction: TypeAlias = Callable[..., Awaitable[Shown]]
Repair: TypeAlias = Callable[..., Awaitable[object]]

_SEED_NAMES: Final = {"onInconsistency": "on_inconsistency"}


class Inconsistency(msgspec.Struct, frozen=True):
    """Two things that should agree and do not."""

    what: str
    where: str = ""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one part of a check shows."""

    found: Sequence[Inconsistency] = ()
    next: str | None = None
    """Where the next part begins; None after the last."""
    looked_at: int = 0
    """Streams, rows, keys, … in this part."""
    passed_over: Sequence[str] = ()
    """What could not be looked at, and why."""


@runtime_checkable
class PartwiseCheck(Protocol):
    """A check of what may be large: it looks at a bounded number of things at a time."""

    async def part(self, cursor: str) -> Part:
        """The part that begins at the cursor; the empty one begins the first part."""
        ...


class ConsistencyCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What should hold, and what to do when it has not held for long.

    `check` is an async function, its parameters injected as a handler's are, or a PartwiseCheck. `on_inconsistency`
    is one, too; a first parameter that cannot be injected gets the CheckResult.
    """

    name: str
    check: CheckFunction | PartwiseCheck
    on_inconsistency: Repair | None = None
    projections: Sequence[object] | None = None
    """Whose rows it looks at, by class, name or read model: it waits for them where they are behind. None: all."""
    every: float | timedelta | None = None
    """The shortest time between two looks of the schedule, in seconds; None: each time."""


CheckLike: TypeAlias = ConsistencyCheck | Mapping[str, object]


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a check showed, and what was done about it."""

    name: str
    outcome: CheckOutcome
    at: int
    """Microseconds since 1970."""
    since: int | None = None
    """When the inconsistency was first counted, in microseconds since 1970; None: there is none."""
    found: int = 0
    """How many inconsistencies."""
    inconsistencies: Sequence[Inconsistency] = ()
    """The first of them."""
    looked_at: int = 0
    behind: bool = False
    """True if projections it looks at had not caught up when the time for it was over."""
    passed_over: Sequence[str] = ()
    repair: str = ""
    """What became of the repair: `done`, or why not; empty if none was due."""
    error: str = ""
    """Of a check that failed: type and text of what it raised."""
    cursor: str = ""
    """Where the schedule goes on: at what is inconsistent, until it is mended."""

    @property
    def lasted(self) -> float:
        """For how many seconds it has been inconsistent."""
        return 0.0 if self.since is None else (self.at - self.since) / 1_000_000


def parse_checks(given: Iterable[CheckLike]) -> list[ConsistencyCheck]:
    """Checks from any form. Raises BadDeclaration, InvalidIdentifier, DuplicateName."""
    if isinstance(given, Mapping | ConsistencyCheck):
        raise BadDeclaration("consistency_checks= takes a list of checks, as in consistency_checks=[check]")
    checks = [_parse(one) for one in given]
    names: set[str] = set()
    for check in checks:
        if Identifier(check.name) in names:
            raise DuplicateName(f"two consistency checks are called {check.name!r}: give one another name")
        names.add(check.name)
    return checks


def seconds_of(given: float | timedelta, what: str) -> float:
    """Seconds above 0; raises BadDeclaration."""
    seconds = given.total_seconds() if isinstance(given, timedelta) else given
    if not 0 < seconds < float("inf"):
        raise BadDeclaration(f"{what} is a number of seconds above 0, or a timedelta, got {given!r}")
    return seconds


def _parse(given: CheckLike) -> ConsistencyCheck:
    if isinstance(given, Mapping):
        fields = {_SEED_NAMES.get(name, name): value for name, value in given.items()}
        try:
            given = ConsistencyCheck(**fields)  # type: ignore[arg-type]  # looked at below
        except TypeError as error:
            known = "name, check, on_inconsistency (or onInconsistency), projections, every"
            raise BadDeclaration(f"a consistency check cannot be declared so ({error}): it has {known}") from None
    check = cast("object", given.check)
    if not (callable(check) or isinstance(check, PartwiseCheck)):
        raise BadDeclaration(f"the check of {given.name!r} is {check!r}: give it an async function")
    if given.on_inconsistency is not None and not callable(cast("object", given.on_inconsistency)):
        raise BadDeclaration(f"on_inconsistency of {given.name!r} is no async function")
    if given.every is not None:
        seconds_of(given.every, f"every= of check {given.name!r}")
    return given
