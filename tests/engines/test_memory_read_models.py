"""The memory engine under the law of the read side."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.engines.memory.engine import MemoryEngine
from headwater.ports.engine import Engine
from headwater.testing.conformance.pipelines import PipelinesConformance
from headwater.testing.conformance.read_model_schema import ReadModelSchemaConformance
from headwater.testing.conformance.read_models import ReadModelsConformance
from headwater.testing.conformance.row_changes import RowChangesConformance
from headwater.testing.conformance.row_pages import RowPagesConformance
from headwater.testing.conformance.row_search import RowSearchConformance


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = MemoryEngine()
    await engine.open()
    yield engine
    await engine.close()


class TestMemory(
    ReadModelsConformance,
    RowChangesConformance,
    RowPagesConformance,
    RowSearchConformance,
    PipelinesConformance,
    ReadModelSchemaConformance,
):
    """Enrolled."""
