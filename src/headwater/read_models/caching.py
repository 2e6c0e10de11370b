"""Caching: how a read-model store keeps rows near, and the ports that do it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, TypeAlias

import msgspec

from headwater.errors import BadDeclaration
from headwater.ports.clock import Clock
from headwater.ports.read_models import ReadModels
from headwater.read_models.change_watch import ChangeWatch, nobody
from headwater.read_models.row_cache import RowCache
from headwater.read_models.write_behind import WriteBehind
from headwater.read_models.writing import RowWriter

__all__ = ["CachingLike", "RowCaching", "row_cache", "row_caching", "write_behind"]

Strategy: TypeAlias = Literal["read-through", "write-through", "write-behind"]


class RowCaching(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How rows are cached.

    `read-through` keeps what is read and forgets what is written; `write-through` keeps what is written too;
    `write-behind` also returns before the store has the write. Writes of other processes are seen within the engine's
    polling interval, as far as `invalidate` says.
    """

    enabled: bool = True
    strategy: Strategy = "read-through"
    ttl: float | timedelta = 300.0
    """Seconds a row may be used."""
    size: int = 10_000
    """Rows kept; the least recently used goes first."""
    invalidate: bool = True
    """Drop all rows of a read model when another process has changed one of them, which the engine's polling tells;
    on an engine that cannot tell others' changes from this process's own, when anybody has. Without it they are seen
    after `ttl`, as are in any case those by other stores on the same engine object."""
    flush_interval: float | timedelta = 1.0
    """Seconds between flushes of `write-behind`."""
    capacity: int = 1_000
    """Changes `write-behind` buffers; a full buffer is flushed before more are taken."""

    def __post_init__(self) -> None:
        if min(seconds(self.ttl), seconds(self.flush_interval)) <= 0 or min(self.size, self.capacity) < 1:
            raise BadDeclaration("caching needs times above 0, and a size and capacity of at least 1")


CachingLike: TypeAlias = RowCaching | Mapping[str, object] | None


def row_caching(caching: CachingLike) -> RowCaching:
    """The options from either form; None is no caching. Raises BadDeclaration for an unknown option or value."""
    if caching is None:
        return RowCaching(enabled=False)
    if isinstance(caching, RowCaching):
        return caching
    try:
        return msgspec.convert(dict(caching), RowCaching)
    except msgspec.ValidationError as error:
        raise BadDeclaration(f"caching= cannot be understood: {error}") from error


def seconds(time: float | timedelta) -> float:
    return time.total_seconds() if isinstance(time, timedelta) else time


def write_behind(
    caching: RowCaching, reader: ReadModels, writer: RowWriter, watch: ChangeWatch | None
) -> WriteBehind | None:
    """The buffer in front of these ports, if the strategy has one; it tells the watch what it holds back."""
    if not caching.enabled or caching.strategy != "write-behind":
        return None
    changed = nobody if watch is None else watch.changed
    flush_interval = seconds(caching.flush_interval)
    return WriteBehind(reader, writer, seconds=flush_interval, capacity=caching.capacity, changed=changed)


def row_cache(
    caching: RowCaching, reader: ReadModels, writer: RowWriter, clock: Clock, watch: ChangeWatch | None
) -> RowCache | None:
    """The cache in front of these ports, if it is enabled; it tells the watch what it has forgotten late."""
    if not caching.enabled:
        return None
    keeps_writes = caching.strategy != "read-through"
    ttl = seconds(caching.ttl)
    return RowCache(
        reader,
        writer,
        seconds=ttl,
        size=caching.size,
        keeps_writes=keeps_writes,
        clock=clock,
        watch=watch.elsewhere() if watch is not None and caching.invalidate else None,
        changed=nobody if watch is None else watch.changed,
    )
