"""Stores for buses: in memory, and in a file that others may have open too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headwater.engines.memory.engine import MemoryEngine
from headwater.engines.sqlite import open_engine
from headwater.ports.engine import Engine, EngineOptions


@pytest.fixture
def on_file(tmp_path: Path) -> Callable[[], Engine]:
    """Makes engines on one file: one more is as good as another process."""
    return lambda: open_engine(f"sqlite:///{tmp_path / 'store.db'}", EngineOptions())


@pytest.fixture(params=["memory", "sqlite"])
def engine(request: pytest.FixtureRequest, on_file: Callable[[], Engine]) -> Engine:
    """Not open yet."""
    return MemoryEngine() if request.param == "memory" else on_file()
