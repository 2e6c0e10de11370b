"""Asking of a read model's table, which may have been made anew, or never."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from headwater.engines.cassandra.errors import is_misfit
from headwater.engines.cassandra.rows.catalogue import Catalogue
from headwater.engines.cassandra.rows.table import Table, unknown
from headwater.engines.cassandra.session import Session
from headwater.errors import StoreMismatch

__all__ = ["asked"]

T = TypeVar("T")


async def asked(session: Session, catalogue: Catalogue, table: Table, ask: Callable[[], Awaitable[T]]) -> T:
    """The answer; asked once more where the table was made anew. Raises UnknownName where there is none."""
    try:
        return await ask()
    except StoreMismatch as error:
        if not is_misfit(error):
            raise
        session.forget(table.name)
        if await catalogue.find(table) is None:
            raise unknown(table.schema.model) from error
    return await ask()
