"""Opening: an engine by the scheme of its URL, through the entry points `headwater.engines`."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import cast

from headwater.errors import UnknownEngine
from headwater.ports.engine import Engine, EngineOptions
from headwater.split import split

__all__ = ["open_engine", "open_engines"]

_ENGINES = {point.name: point for point in entry_points(group="headwater.engines")}
"""Looked up once, on import: it reads files, which a running event loop should not wait for."""


def open_engine(engine: str | Engine, options: EngineOptions) -> Engine:
    """The engine for a URL, not yet opened, or the one given; raises UnknownEngine, or what it says of its URL."""
    if not isinstance(engine, str):
        if all(hasattr(engine, part) for part in ("events", "log", "open")):
            return engine
        raise UnknownEngine(f"engine= takes a URL, as in sqlite:///shop.db, or an engine, got {engine!r}")
    url = engine
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in _ENGINES:
        raise UnknownEngine(f"{_shown(url)} names no installed engine: use one of {sorted(_ENGINES)}, as in memory://")
    return cast("Engine", _ENGINES[scheme].load()(url, options))


def open_engines(engine: str | Engine, read: str | Engine | None, options: EngineOptions) -> Engine:
    """The same, with the read side in the store that `read` names where it names one; see `SplitEngine`.

    The names of tables and the store expected are the log's.
    """
    if read is None:
        return open_engine(engine, options)
    own = EngineOptions(create=options.create, limits=options.limits, clock=options.clock)
    return split(open_engine(engine, options), open_engine(read, own))


def _shown(url: str) -> str:
    """The URL without what may be a password."""
    scheme, separator, rest = url.partition("://")
    return repr(f"{scheme}{separator}{'***@' if '@' in rest else ''}{rest.rpartition('@')[2]}"[:80])
