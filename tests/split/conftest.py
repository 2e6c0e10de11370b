"""Two stores for every test, on all the pairs of engines that are tried."""

from __future__ import annotations

from collections.abc import Callable

import pytest

__all__ = ["PAIRS", "Stores", "on_files"]

Stores = tuple[str, str]
"""The URL of the log, and of the read models."""

PAIRS = {"memory": "memory-4 memory", "sqlite": "sqlite sqlite", "postgres": "sqlite postgres"}

on_files = pytest.mark.parametrize("stores", ["sqlite", "postgres"], indirect=True)
"""A test that opens the stores more than once."""


@pytest.fixture(params=PAIRS)
def stores(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Stores:
    log, views = (url_of(engine) for engine in PAIRS[request.param].split())
    return log.replace("store.db", "log.db"), views
