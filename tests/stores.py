"""Stores: what runs on every engine runs on these, each new for its test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.engines.cassandra_servers import fresh_keyspace
from tests.engines.servers import fresh_schema

__all__ = ["ENGINES", "PARTITIONS", "URLS", "fresh_store", "is_left_out", "on_shared_stores"]

PARTITIONS: Final = "4"
"""Of a log that has several: few, so that each test meets most of them."""
URLS: Final = {
    "memory": "memory://",
    "memory-4": f"memory://?partitions={PARTITIONS}",
    "sqlite": "sqlite:///{folder}/store.db",
}
ENGINES: Final = (*URLS, "postgres", "cassandra")
LEFT_OUT: Final = {
    "transactional": "cassandra",  # it refuses such things by name: see engines/cassandra/test_refusals.py
    "above_engines": "cassandra",  # a test takes several times as long there
}
"""By the marker of a test, the engine that it does not run on; pyproject.toml says what the markers mean."""

on_shared_stores = pytest.mark.parametrize("url", ["sqlite", "postgres", "cassandra"], indirect=True)
"""A test that uses the fixture `url` runs on what several processes may have open."""


def is_left_out(item: pytest.Item) -> bool:
    """Whether this is a test on an engine that it is not for."""
    engines = {engine for marker, engine in LEFT_OUT.items() if item.get_closest_marker(marker)}
    call = getattr(item, "callspec", None)
    return call is not None and not engines.isdisjoint([each for each in call.params.values() if isinstance(each, str)])


@asynccontextmanager
async def fresh_store(engine: str, folder: Path) -> AsyncIterator[str]:
    """The URL of a store that nobody else uses, for a test that needs several; else there is the fixture `url_of`."""
    if engine == "postgres":
        async with fresh_schema(partitions=PARTITIONS) as url:
            yield url
    elif engine == "cassandra":
        async with fresh_keyspace(partitions=PARTITIONS) as url:
            yield url
    else:
        yield URLS[engine].format(folder=folder)
