"""Stores for buses: in memory, and those that others may have open too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Callable[[], Engine]:
    """Makes engines on one store: one more is as good as another process."""
    url = url_of(request.param)
    return lambda: open_engine(url, EngineOptions())


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Engine:
    """Not open yet."""
    return open_engine(url_of(request.param), EngineOptions())
