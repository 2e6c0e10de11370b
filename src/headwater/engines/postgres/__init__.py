"""The PostgreSQL engine: `postgresql://user@host/database`, a schema for each store, any number of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import MissingExtra
from headwater.ports.engine import EngineOptions

if TYPE_CHECKING:
    from headwater.engines.postgres.engine import PostgresEngine

__all__ = ["open_engine"]


def open_engine(url: str, options: EngineOptions) -> PostgresEngine:
    """An engine for a `postgresql://` URL, not opened yet.

    Raises ConfigurationError for a URL it cannot read, MissingExtra where its driver is not installed.
    """
    try:
        from headwater.engines.postgres.engine import PostgresEngine
        from headwater.engines.postgres.location import Location
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise MissingExtra("the PostgreSQL engine needs asyncpg: pip install 'headwater[postgres]'") from error
    return PostgresEngine(Location.parse(url, options.query), options)
