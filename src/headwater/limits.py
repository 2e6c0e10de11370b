"""Sizes, in one value, the same on every engine."""

from __future__ import annotations

import msgspec

from headwater.errors import ConfigurationError

__all__ = ["Limits"]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How large things may be. Everything above is refused with `LimitExceeded` before anything is written."""

    id_bytes: int = 512
    """Bytes of UTF-8 in a stream id, command id, unique key or header."""
    events_per_append: int = 1_000
    append_bytes: int = 1 << 20
    """Bytes of all payloads of one append."""
    payload_bytes: int = 256 << 10
    """Bytes of one event's or one row's encoded payload."""
    metadata_bytes: int = 16 << 10
    tags_per_event: int = 64
    depth: int = 64
    """Levels of nesting in a payload."""
    page_size: int = 10_000
    """Rows in one answer of find, page or search."""
    nested_commands: int = 64
    """Commands executed by handlers of commands, one inside the other."""
    queued_writes: int = 10_000
    """Writes that may wait for the writer, and reads for a reader; more are refused with `StoreBusy`."""

    subscriptions: int = 1_000
    """Subscription queries that may run on one bus at once; more are refused with `StoreBusy`."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value: object = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ConfigurationError(f"Limits({name}={value!r}) is no whole number from 1")
