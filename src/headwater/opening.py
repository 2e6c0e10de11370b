"""Opening: an engine by the scheme of its URL, through the entry points `headwater.engines`."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import cast

from headwater.errors import UnknownEngine
from headwater.ports.engine import Engine, EngineOptions

__all__ = ["open_engine"]


def open_engine(url: str, options: EngineOptions) -> Engine:
    """The engine for a URL, not yet opened; raises UnknownEngine, or what the engine says of its URL."""
    scheme, colon, _ = url.partition(":")
    found = {point.name: point for point in entry_points(group="headwater.engines")}
    if not colon or scheme not in found:
        raise UnknownEngine(f"{url!r} names no installed engine: start it with one of {sorted(found)}, as in memory://")
    return cast("Engine", found[scheme].load()(url, options))
