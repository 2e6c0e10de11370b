"""Commits on Cassandra, and what breaks them off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.errors import StoreUnavailable
from headwater.models.changes import Accumulate, Change
from headwater.ports.engine import EngineOptions
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.testing.controls import Tally
from tests.engines.cassandra_servers import fresh_keyspace

__all__ = ["broken_off", "engine", "one_more", "told"]


@pytest.fixture
async def engine() -> AsyncIterator[CassandraEngine]:
    async with fresh_keyspace(partitions="1") as url:
        engine = open_engine(url, EngineOptions())
        await engine.open()
        await engine.read_model_schema.ensure([Tally])
        yield engine
        await engine.close()


def one_more(name: str = "a") -> Change:
    return Accumulate(Tally, name, Tally(name=name), add={"total": 1})


def told(
    start: int,
    next: int,
    *changes: tuple[int, Change],
    epoch: int = 1,
    key_range: int = 0,
    **more: Any,
) -> ProjectionCommit:
    """A commit that tells the offset of each change, as projections do on Cassandra."""
    return ProjectionCommit(
        place=Place("p", key_range=key_range),
        epoch=epoch,
        start=start,
        next=next,
        changes=[change for _, change in changes],
        offsets=[offset for offset, _ in changes],
        **more,
    )


@contextmanager
def broken_off(owner: type, name: str, after: int = 0) -> Generator[None]:
    """What is asked of such objects is not done once, `after` it was done some times, and said so."""
    does: Callable[..., Awaitable[object]] = getattr(owner, name)
    fails = iter([*[False] * after, True])

    async def once(*args: object) -> object:
        if next(fails, False):
            raise StoreUnavailable("out of reach")
        return await does(*args)

    with patch.object(owner, name, once):
        yield
