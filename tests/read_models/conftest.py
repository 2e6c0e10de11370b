"""What the tests of views share: a store in memory, open."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.engines.memory.engine import MemoryEngine
from headwater.ports.engine import Engine


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = MemoryEngine()
    await engine.open()
    yield engine
    await engine.close()
