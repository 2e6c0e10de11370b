"""The SQLite engine: `sqlite:///shop.db` beside the process, `sqlite:////srv/shop.db` anywhere. One file, no server."""

from __future__ import annotations

from headwater.engines.sqlite.backup import restore
from headwater.engines.sqlite.engine import SqliteEngine
from headwater.engines.sqlite.location import Location
from headwater.ports.engine import EngineOptions

__all__ = ["SqliteEngine", "open_engine", "restore"]


def open_engine(url: str, options: EngineOptions) -> SqliteEngine:
    """An engine for a `sqlite://` URL, not opened yet. Raises ConfigurationError for a URL it cannot read."""
    return SqliteEngine(Location.parse(url, options.query), options)
