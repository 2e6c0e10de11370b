"""Copied keys: unique keys change hands as another store has it, while nobody appends."""

from __future__ import annotations

from headwater.domain.append import UniqueKey
from headwater.engines.cassandra.protocol.claiming import holder_of
from headwater.engines.cassandra.protocol.core import Core, ask
from headwater.engines.cassandra.protocol.replies import Applied
from headwater.engines.cassandra.protocol.requests import ReadKeySerially, ReserveKey
from headwater.engines.cassandra.protocol.rows import KeyRow

__all__ = ["give"]


def give(key: UniqueKey, stream: str | None) -> Core[bool]:
    """Have a stream hold a key, or nobody; whether that is new. The key's turn rises, so that nothing late is taken
    for what was seen here."""
    while True:
        seen = yield from ask(ReadKeySerially(key))
        if (yield from holder_of(key)) == stream:
            return False
        answer = yield from ask(ReserveKey(key, seen, KeyRow(stream, None, (seen.turn or 0) + 1)))
        if isinstance(answer, Applied):
            return True
