"""Stores and classes for the tests of read models on SQLite."""

from __future__ import annotations

import ast
import asyncio
import sys
import types
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from headwater.engines.sqlite import SqliteEngine, open_engine
from headwater.models.changes import Insert
from headwater.models.model import ReadModel
from headwater.ports.engine import EngineOptions
from headwater.ports.projection_store import Reset

__all__ = ["file_of", "opened", "read_model", "reset", "select", "write"]


def file_of(folder: Path) -> Path:
    return folder / "store.db"


@asynccontextmanager
async def opened(folder: Path, *models: type[ReadModel]) -> AsyncIterator[SqliteEngine]:
    """An engine on the folder's store, with tables for these models."""
    engine = open_engine(f"sqlite:///{file_of(folder)}", EngineOptions())
    await engine.open()
    try:
        await engine.read_model_schema.ensure(models)
        yield engine
    finally:
        await engine.close()


async def write(engine: SqliteEngine, *rows: ReadModel) -> None:
    await engine.projections.write([Insert(row) for row in rows])


async def reset(engine: SqliteEngine, projection: str, *models: type[ReadModel]) -> None:
    """The served tables of these models anew."""
    await engine.projections.reset(Reset(projection=projection, generation=0, epoch=1, models=models))


def read_model(
    table: str, fields: Mapping[str, object], defaults: Mapping[str, object] | None = None
) -> type[ReadModel]:
    """A class declared at run time."""
    body = {"__annotations__": dict(fields), "__module__": __name__, **(defaults or {})}
    return types.new_class("View", (ReadModel,), {"table": table}, lambda namespace: namespace.update(body))


async def select(folder: Path, sql: str) -> list[tuple[object, ...]]:
    """What another tool sees: the standard library's sqlite3.

    In a process of its own: two SQLite libraries in one process undo each other's file locks.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _OTHER_TOOL, str(file_of(folder)), sql), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return cast("list[tuple[object, ...]]", ast.literal_eval(printed.decode("ascii")))


_OTHER_TOOL = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(ascii(connection.execute(sys.argv[2]).fetchall()))
connection.commit()
connection.close()
"""
