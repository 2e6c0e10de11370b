"""The Cassandra engine under the law of the read side: in one keyspace, whose rows go after each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest

from headwater.engines.cassandra import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.conformance.free_texts import FreeTextsConformance
from headwater.testing.conformance.pipelines import PipelinesConformance
from headwater.testing.conformance.read_model_schema import ReadModelSchemaConformance
from headwater.testing.conformance.read_models import ReadModelsConformance
from headwater.testing.conformance.row_changes import RowChangesConformance
from headwater.testing.conformance.row_pages import RowPagesConformance
from headwater.testing.conformance.row_search import RowSearchConformance
from tests.engines.cassandra_servers import fresh_keyspace, fresh_keyspace_now, run


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with fresh_keyspace_now() as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[Engine]:
    await asyncio.to_thread(empty_read_models, url)
    engine = open_engine(url, EngineOptions())
    await engine.open()
    yield engine
    await engine.close()


def empty_read_models(url: str) -> None:
    """Their tables stay: to make them and their indexes takes far longer than a test."""
    keyspace = urlsplit(url).path.removeprefix("/")
    for (table,) in run(url, f"SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{keyspace}'"):
        if table.startswith(("rm", "ro", "rw")) and run(url, f'SELECT JSON * FROM {keyspace}."{table}" LIMIT 1'):
            run(url, f'TRUNCATE {keyspace}."{table}"')


class TestCassandra(
    ReadModelsConformance,
    RowChangesConformance,
    RowPagesConformance,
    RowSearchConformance,
    PipelinesConformance,
    ReadModelSchemaConformance,
):
    """Enrolled."""

    async def test_a_model_nobody_declared_is_refused(self, engine: Engine) -> None:
        async with fresh_keyspace() as url:
            new = open_engine(url, EngineOptions())
            await new.open()
            await super().test_a_model_nobody_declared_is_refused(new)
            await new.close()


class TestFreeTexts(FreeTextsConformance):
    @pytest.fixture
    async def engine(self) -> AsyncIterator[Engine]:
        async with fresh_keyspace() as url:
            engine = open_engine(url, EngineOptions())
            await engine.open()
            yield engine
            await engine.close()
