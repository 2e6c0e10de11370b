"""Expected versions, and the only place that checks one."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from headwater.domain.identifier import shown
from headwater.errors import InvalidVersion, WrongExpectedVersion

__all__ = ["AnyVersion", "Exact", "Exists", "ExpectedVersion", "NoStream", "check_count", "check_expected"]

_MAX = 2**63 - 1


class NoStream(msgspec.Struct, frozen=True):
    """The stream must have no events yet."""

    def __str__(self) -> str:
        return "no stream"


class Exists(msgspec.Struct, frozen=True):
    """The stream must have at least one event."""

    def __str__(self) -> str:
        return "an existing stream"


class AnyVersion(msgspec.Struct, frozen=True):
    """Whatever the stream's version is; the append still is atomic and ordered."""

    def __str__(self) -> str:
        return "any version"


class Exact(msgspec.Struct, frozen=True):
    """The stream must be at this version; 0 is the same as `NoStream()`."""

    version: int

    def __post_init__(self) -> None:
        check_count(self.version, "expected version")

    def __str__(self) -> str:
        return f"version {self.version}"


ExpectedVersion: TypeAlias = NoStream | Exact | AnyVersion | Exists


def check_count(value: int, what: str) -> int:
    """A whole number from 0 to 2^63 - 1; a bool, a float or text is refused with InvalidVersion."""
    if type(value) is not int or not 0 <= value <= _MAX:
        raise InvalidVersion(f"{what} must be a whole number from 0 to 2^63 - 1, got {shown(value)}")
    return value


def check_expected(stream: str, expected: ExpectedVersion, actual: int) -> None:
    """Raise WrongExpectedVersion unless a stream at version `actual` (0: no events) is what was expected."""
    match expected:
        case Exact(version):
            met = actual == version
        case NoStream():
            met = actual == 0
        case Exists():
            met = actual > 0
        case AnyVersion():
            met = True
    if not met:
        raise WrongExpectedVersion(stream, expected, actual)
