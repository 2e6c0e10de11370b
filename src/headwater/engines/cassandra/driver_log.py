"""Driver log: what the driver says, as messages of Python's logging."""

from __future__ import annotations

import logging
from typing import Final, Protocol

__all__ = ["tell"]

_LOG: Final = logging.getLogger("headwater.cassandra")
_OF_ANOTHER_SERVER: Final = "sharding info"
"""The driver asks every node for what only ScyllaDB has, and calls it an error that Cassandra has none."""


class _Message(Protocol):
    log_level: str
    message: str


async def tell(message: _Message) -> None:
    """Awaited by the driver, on the loop that has connected."""
    if _OF_ANOTHER_SERVER not in message.message:
        _LOG.log(logging.getLevelNamesMapping().get(message.log_level, logging.WARNING), message.message)
