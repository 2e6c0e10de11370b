"""Stores: what runs on every engine runs on these, each new for its test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.engines.servers import fresh_schema

__all__ = ["ENGINES", "PARTITIONS", "URLS", "fresh_store", "on_shared_stores"]

PARTITIONS: Final = "4"
"""Of a log that has several: few, so that each test meets most of them."""
URLS: Final = {
    "memory": "memory://",
    "memory-4": f"memory://?partitions={PARTITIONS}",
    "sqlite": "sqlite:///{folder}/store.db",
}
ENGINES: Final = (*URLS, "postgres")

on_shared_stores = pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
"""A test that uses the fixture `url` runs on what several processes may have open."""


@asynccontextmanager
async def fresh_store(engine: str, folder: Path) -> AsyncIterator[str]:
    """The URL of a store that nobody else uses, for a test that needs several; else there is the fixture `url_of`."""
    if engine == "postgres":
        async with fresh_schema(partitions=PARTITIONS) as url:
            yield url
    else:
        yield URLS[engine].format(folder=folder)
