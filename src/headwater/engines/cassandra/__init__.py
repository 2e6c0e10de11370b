"""The Cassandra engine: `cassandra://host1,host2/keyspace`, beyond one machine, any number of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import MissingExtra
from headwater.ports.engine import EngineOptions

if TYPE_CHECKING:
    from headwater.engines.cassandra.engine import CassandraEngine

__all__ = ["open_engine"]


def open_engine(url: str, options: EngineOptions) -> CassandraEngine:
    """An engine for a `cassandra://` URL, not opened yet.

    Raises ConfigurationError for a URL it cannot read, MissingExtra where its driver is not installed.
    """
    try:
        from headwater.engines.cassandra.engine import CassandraEngine
        from headwater.engines.cassandra.location import Location
    except ModuleNotFoundError as error:
        if error.name != "acsylla":
            raise
        raise MissingExtra("the Cassandra engine needs acsylla: pip install 'headwater[cassandra]'") from error
    return CassandraEngine(Location.parse(url, options.query), options)
