"""Errors: what PostgreSQL and its driver say, as ours."""

from __future__ import annotations

import asyncpg
import pytest

from headwater.engines.postgres.errors import translated
from headwater.errors import HeadwaterError, StoreUnavailable


@pytest.mark.parametrize(
    ("error", "expected", "advice"),
    [
        (asyncpg.DuplicatePreparedStatementError("taken"), StoreUnavailable, "session pooling"),
        (asyncpg.InvalidSQLStatementNameError("unknown"), StoreUnavailable, "session pooling"),
    ],
)
def test_each_says_what_to_do(error: Exception, expected: type[HeadwaterError], advice: str) -> None:
    ours = translated(error)
    assert type(ours) is expected
    assert advice in str(ours)
    assert ours.__cause__ is error
