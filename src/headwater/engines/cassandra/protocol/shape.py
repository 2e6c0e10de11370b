"""Shape: the sizes of a store, and what follows from them alone."""

from __future__ import annotations

import msgspec

from headwater.errors import BadDeclaration

__all__ = ["Shape"]

MICROS = 1_000_000


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything lies. The sizes of chunks and buckets are fixed once a store has events."""

    events_per_chunk: int = 10_000
    """C: partitions of some MB; a command is remembered over as many events at least."""
    events_per_append: int = 1_000
    """At most C, so that no chunk is skipped. One conditional batch carries them, and is kept in system.paxos too."""
    events_per_bucket: int = 50_000
    """B: log partitions of some tens of MB."""
    events_per_log_batch: int = 500
    bytes_per_log_batch: int = 512 * 1024
    seconds_per_slot: int = 10
    """Intents of one slot lie together: bounds the tombstones that a scan meets."""
    patience: float = 10.0
    """X: seconds for which an intent may be pending before it is fenced; too few starve slow writers."""
    self_fences: int = 3
    """How often an append past its deadline tries to fence itself before it reports that it does not know."""
    looks_before_fence: int = 5
    """How often who wants a key looks, with pauses, at the append that has reserved it, before it is fenced."""

    chunks_known: int = 20_000
    """Of which an owner remembers what it has logged, so that it need not read them."""

    def __post_init__(self) -> None:
        if not 1 <= self.events_per_append <= self.events_per_chunk:
            raise BadDeclaration(
                f"an append of up to {self.events_per_append} events does not fit chunks of {self.events_per_chunk}: "
                "make the chunks larger, or the appends smaller"
            )

    def chunk_of(self, version: int) -> int:
        """The chunk of an append that expects `version`: of nothing else, whether its events fit or not."""
        return version // self.events_per_chunk

    def chunk_end(self, chunk: int) -> int:
        """The head from which on a chunk takes no append: it is final."""
        return (chunk + 1) * self.events_per_chunk

    def bucket_of(self, offset: int) -> int:
        return offset // self.events_per_bucket

    def bucket_start(self, bucket: int) -> int:
        """Its first offset."""
        return bucket * self.events_per_bucket

    def slot_of(self, micros: int) -> int:
        """The slot of a time in microseconds since 1970."""
        return micros // (self.seconds_per_slot * MICROS)

    def intent_written_at(self, slot: int) -> int:
        """The timestamp of every insert of an intent of a slot: the slot's start in microseconds since 1970."""
        return slot * self.seconds_per_slot * MICROS

    def intent_deleted_at(self, slot: int) -> int:
        """The timestamp of every delete of an intent of a slot: it wins even over an insert that lands later."""
        return self.intent_written_at(slot) + 1
