"""Expected versions."""

from __future__ import annotations

import pytest

from headwater.domain.version import AnyVersion, Exact, Exists, ExpectedVersion, NoStream, check_count, check_expected
from headwater.errors import InvalidVersion, WrongExpectedVersion

BAD: list[object] = [-1, 2**63, pytest.param(10**100_000, id="huge"), True, False, 1.0, "1", float("nan"), None]


@pytest.mark.parametrize("version", BAD)
def test_what_is_no_version(version: int) -> None:
    with pytest.raises(InvalidVersion, match="whole number"):
        Exact(version)


@pytest.mark.parametrize("value", [0, 1, 2**63 - 1])
def test_a_count(value: int) -> None:
    assert check_count(value, "limit") == value


@pytest.mark.parametrize(
    ("expected", "actual", "met"),
    [
        (NoStream(), 0, True),
        (NoStream(), 1, False),
        (Exists(), 0, False),
        (Exists(), 3, True),
        (AnyVersion(), 0, True),
        (AnyVersion(), 9, True),
        (Exact(0), 0, True),
        (Exact(2), 2, True),
        (Exact(2), 1, False),
        (Exact(2), 3, False),
    ],
)
def test_what_is_expected(expected: ExpectedVersion, actual: int, met: bool) -> None:
    if met:
        check_expected("user-1", expected, actual)
    else:
        with pytest.raises(WrongExpectedVersion, match=f"'user-1' is at version {actual}, expected {expected}"):
            check_expected("user-1", expected, actual)
