"""Stores and classes for the tests of read models on PostgreSQL."""

from __future__ import annotations

import types
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import asyncpg

from headwater.engines.postgres import open_engine
from headwater.engines.postgres.engine import PostgresEngine
from headwater.engines.postgres.location import Location
from headwater.models.changes import Insert
from headwater.models.model import ReadModel
from headwater.ports.engine import EngineOptions
from headwater.ports.projection_store import Reset

__all__ = ["opened", "read_model", "reset", "select", "write"]


@asynccontextmanager
async def opened(url: str, *models: type[ReadModel]) -> AsyncIterator[PostgresEngine]:
    """An engine on the store, with tables for these models."""
    engine = open_engine(url, EngineOptions())
    await engine.open()
    try:
        await engine.read_model_schema.ensure(models)
        yield engine
    finally:
        await engine.close()


async def write(engine: PostgresEngine, *rows: ReadModel) -> None:
    await engine.projections.write([Insert(row) for row in rows])


async def reset(engine: PostgresEngine, projection: str, *models: type[ReadModel]) -> None:
    """The served tables of these models anew."""
    await engine.projections.reset(Reset(projection=projection, generation=0, epoch=1, models=models))


def read_model(
    table: str, fields: Mapping[str, object], defaults: Mapping[str, object] | None = None
) -> type[ReadModel]:
    """A class declared at run time."""
    body = {"__annotations__": dict(fields), "__module__": __name__, **(defaults or {})}
    return types.new_class("View", (ReadModel,), {"table": table}, lambda namespace: namespace.update(body))


async def select(url: str, sql: str, *values: object) -> list[tuple[object, ...]]:
    """What another tool sees, whose search path is the store's schema."""
    location = Location.parse(url, {})
    connection = await asyncpg.connect(location.dsn, server_settings={"search_path": location.schema})
    try:
        return [tuple(row) for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()
