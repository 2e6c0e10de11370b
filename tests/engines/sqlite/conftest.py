"""A store in a file of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from headwater.engines.sqlite import SqliteEngine, open_engine
from headwater.ports.engine import EngineOptions

Opened = Callable[..., SqliteEngine]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[SqliteEngine]:
    engine = open_engine(f"sqlite:///{path}", EngineOptions())
    await engine.open()
    yield engine
    await engine.close()
