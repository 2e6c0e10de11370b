"""The PostgreSQL engine under the law of the read side."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.engines.postgres import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.conformance.pipelines import PipelinesConformance
from headwater.testing.conformance.read_model_schema import ReadModelSchemaConformance
from headwater.testing.conformance.read_models import ReadModelsConformance
from headwater.testing.conformance.row_changes import RowChangesConformance
from headwater.testing.conformance.row_pages import RowPagesConformance
from headwater.testing.conformance.row_search import RowSearchConformance
from tests.engines.servers import fresh_schema


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with fresh_schema() as url:
        engine = open_engine(url, EngineOptions())
        await engine.open()
        yield engine
        await engine.close()


class TestPostgres(
    ReadModelsConformance,
    RowChangesConformance,
    RowPagesConformance,
    RowSearchConformance,
    PipelinesConformance,
    ReadModelSchemaConformance,
):
    """Enrolled."""
