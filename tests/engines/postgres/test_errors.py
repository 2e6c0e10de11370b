"""Errors: what PostgreSQL and its driver say, as ours."""

from __future__ import annotations

import asyncpg
import pytest

from headwater.engines.postgres.errors import translated
from headwater.errors import HeadwaterError, InvalidMessage, StoreUnavailable
from headwater.ports.log import LogFilter
from headwater.testing.controls import ANN, append_of
from tests.engines.postgres.stores import opened
from tests.engines.servers import fresh_schema


@pytest.mark.parametrize(
    ("error", "expected", "advice"),
    [
        (asyncpg.DuplicatePreparedStatementError("taken"), StoreUnavailable, "session pooling"),
        (asyncpg.InvalidSQLStatementNameError("unknown"), StoreUnavailable, "session pooling"),
        (asyncpg.DataError("invalid input for query argument $1"), InvalidMessage, "does not fit"),
        (asyncpg.CharacterNotInRepertoireError("0x00"), InvalidMessage, "does not fit"),
        (asyncpg.NumericValueOutOfRangeError("bigint"), InvalidMessage, "does not fit"),
    ],
)
def test_each_says_what_to_do(error: Exception, expected: type[HeadwaterError], advice: str) -> None:
    ours = translated(error)
    assert type(ours) is expected
    assert advice in str(ours)
    assert ours.__cause__ is error


BEYOND = 2**63
"""No number of PostgreSQL's."""
NO_TEXT = "\ud800"


async def test_values_that_the_driver_does_not_send_are_invalid() -> None:
    async with fresh_schema(partitions="1") as url, opened(url) as engine:
        await engine.events.append(append_of(ANN))
        for call in (
            engine.log.read(0, 0, 10, LogFilter(since=BEYOND)),
            engine.log.offset_of(str(ANN), BEYOND),
            engine.leases.acquire("a", "me", 1e13),
            engine.leases.acquire("a", NO_TEXT, 5),
            engine.commands.find(NO_TEXT),
            engine.commands.find("a\0"),
        ):
            with pytest.raises(InvalidMessage):
                await call
