"""Exports: rows read through a connection of their own, in one long read transaction."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import cast

import apsw

from headwater.domain.version import check_count
from headwater.engines.sql.kept_generations import known_or_unknown
from headwater.engines.sqlite.checkpoints import checkpoints_of
from headwater.engines.sqlite.connection import connect_reader
from headwater.engines.sqlite.errors import our_errors
from headwater.engines.sqlite.generation_states import generations_of
from headwater.engines.sqlite.location import Location
from headwater.engines.sqlite.parking import parked_pages
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.table import Table, or_unknown, table_of
from headwater.errors import InvalidVersion
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel
from headwater.ports.exports import Exported

__all__ = ["export"]


async def export(
    location: Location,
    sql: Statements,
    projection: str,
    number: int,
    models: Sequence[type[ReadModel]],
    page: int,
) -> AsyncIterator[Exported]:
    """A generation as of one moment; see Exports."""
    check_count(number, "generation")
    if check_count(page, "page") == 0:
        raise InvalidVersion("a page has 1 row or more, got 0")
    connection = await asyncio.to_thread(connect_reader, location)
    try:
        steps = _exported(connection, sql, projection, number, models, page)
        while (step := await asyncio.to_thread(_next, steps)) is not None:
            yield step
    finally:
        await asyncio.to_thread(connection.close)


def _next(steps: Iterator[Exported]) -> Exported | None:
    with our_errors():
        return next(steps, None)


def _exported(
    connection: apsw.Connection,
    sql: Statements,
    projection: str,
    number: int,
    models: Sequence[type[ReadModel]],
    page: int,
) -> Iterator[Exported]:
    """Everything in one transaction, which never ends: its connection is closed."""
    connection.execute("BEGIN")
    kept = known_or_unknown(generations_of(connection, sql, projection), projection, number)
    tables = [(model, table_of(model, kept.beside)) for model in models]
    found = [_rows(connection, table) for _, table in tables]
    yield checkpoints_of(connection, sql, projection, number)
    yield from parked_pages(connection, sql, projection, number, page)
    for (model, table), rows in zip(tables, found, strict=True):
        while scalars := list(islice(rows, page)):
            yield table.rows(model, scalars)


def _rows(connection: apsw.Connection, table: Table) -> Iterator[Sequence[Scalar]]:
    """All of a table by key; raises UnknownName if it was never made."""
    try:
        rows = connection.execute(f"{table.select} ORDER BY r.{table.key}")
    except apsw.SQLError as error:
        raise or_unknown(connection, table, error) from error
    return cast("Iterator[Sequence[Scalar]]", rows)
