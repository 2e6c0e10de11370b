"""Generation states: which generations a projection has, and where the rows of each lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.kept_generations import GenerationRow, Kept, by_number, kept_of

__all__ = ["begun_generations", "generations_of"]


async def begun_generations(connection: Connection, sql: Statements, projection: str) -> Mapping[int, Kept]:
    """A projection's generations by number."""
    return {kept.generation.number: kept for kept in map(kept_of, await _rows(connection, sql, projection))}


async def generations_of(connection: Connection, sql: Statements, projection: str) -> Mapping[int, Kept]:
    """By number. A projection that never began one has number 0, and serves it."""
    return by_number(projection, await _rows(connection, sql, projection))


async def _rows(connection: Connection, sql: Statements, projection: str) -> list[GenerationRow]:
    return cast("list[GenerationRow]", await connection.fetch(sql["find_generations"], projection))
