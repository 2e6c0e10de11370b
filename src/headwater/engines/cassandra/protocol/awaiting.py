"""Awaiting: from where on a reader of the log has seen what was appended."""

from __future__ import annotations

from headwater.engines.cassandra.protocol.core import Core, ask
from headwater.engines.cassandra.protocol.requests import ReadStatics

__all__ = ["logged_offset"]


def logged_offset(stream: str, chunk: int, version: int) -> Core[int | None]:
    """An offset of the log: who has seen it has seen the events of this chunk up to `version`. None: not logged yet."""
    seen = yield from ask(ReadStatics(stream, chunk))
    return None if seen.logged is None or seen.logged < version else seen.logged_at
