"""Header and trailer: what a snapshot is of, which decides whether it can be used, and how much is in it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import msgspec

from headwater.models.model import ReadModel, schema_of

__all__ = ["DeclaredModel", "Header", "Landmark", "Trailer", "declared_model", "events_passed"]


class DeclaredModel(msgspec.Struct, frozen=True):
    """A read model as its class declared it when its rows were written."""

    table: str
    key: str
    fields: tuple[tuple[str, str], ...]
    """Name, and what it holds."""


class Landmark(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint, with the event before it: a log in which another event lies there has had another history."""

    partition: int
    key_range: int
    offset: int
    effects: int
    event_id: bytes
    """Of the event at `offset - 1`; empty for offset 0."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first block of a snapshot."""

    store_id: str
    projection: str
    version: int
    fingerprint: str
    """Of the code that made the rows."""
    key_ranges: int
    partitions: int
    taken_at: int
    """Microseconds since 1970."""
    landmarks: tuple[Landmark, ...]
    """By partition and key range, one for each place."""
    models: tuple[DeclaredModel, ...]

    @property
    def events(self) -> int:
        """Events of all partitions whose effects are in its rows."""
        return events_passed((mark.partition, mark.offset) for mark in self.landmarks)


class Trailer(msgspec.Struct, frozen=True, kw_only=True):
    """What the last block says: how much came before it."""

    rows: int
    parked: int


def events_passed(offsets: Iterable[tuple[int, int]]) -> int:
    """Events of all partitions that every key range has passed, of pairs of a partition and an offset."""
    lowest: dict[int, int] = {}
    for partition, offset in offsets:
        lowest[partition] = min(offset, lowest.get(partition, offset))
    return sum(lowest.values())


def declared_model(model: type[ReadModel]) -> DeclaredModel:
    """What the class declares now."""
    schema = schema_of(model)
    fields = tuple(
        [
            (name, f"{field.kind.value} {_type_text(field.type)} {field.scale} {field.optional}")
            for name, field in schema.fields.items()
        ]
    )
    return DeclaredModel(str(schema.table), schema.key, fields)


def _type_text(declared: object) -> str:
    """The type; of an Enum its values too."""
    values = [member.value for member in declared] if isinstance(declared, type) and issubclass(declared, Enum) else ""
    return f"{declared!r}{values}"
