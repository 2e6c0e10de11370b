"""The SQLite engine under the law of the read side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headwater.engines.sqlite import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.conformance.pipelines import PipelinesConformance
from headwater.testing.conformance.read_model_schema import ReadModelSchemaConformance
from headwater.testing.conformance.read_models import ReadModelsConformance
from headwater.testing.conformance.row_changes import RowChangesConformance
from headwater.testing.conformance.row_pages import RowPagesConformance
from headwater.testing.conformance.row_search import RowSearchConformance


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path}/store.db", EngineOptions())
    await engine.open()
    yield engine
    await engine.close()


class TestSqlite(
    ReadModelsConformance,
    RowChangesConformance,
    RowPagesConformance,
    RowSearchConformance,
    PipelinesConformance,
    ReadModelSchemaConformance,
):
    """Enrolled."""
