"""The memory engine: `memory://`, or `memory://?partitions=4`. The reference of every port; gone with the process."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from headwater.engines.memory.engine import MemoryEngine
from headwater.errors import ConfigurationError
from headwater.ports.engine import EngineOptions

__all__ = ["MemoryEngine", "open_engine"]


def open_engine(url: str, options: EngineOptions) -> MemoryEngine:
    """A new, empty store for a `memory://` URL. Raises ConfigurationError for an option or path it does not know."""
    parts = urlsplit(url)
    if parts.netloc or parts.path.strip("/"):
        raise ConfigurationError(f"{url!r} names a place, and memory has none: write memory://")
    given = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(options.query)
    partitions = given.pop("partitions", "1")
    if given:
        raise ConfigurationError(f"memory:// has no option {min(given)!r}: it has partitions")
    if not partitions.isdecimal():
        raise ConfigurationError(f"partitions={partitions!a} is no number: write memory://?partitions=4")
    return MemoryEngine(int(partitions), options)
