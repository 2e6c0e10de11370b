"""Cells: scalars of a read model as Cassandra keeps them, and back.

No cell is ever null: what is null is named beside it, since each null that is written is a tombstone that every later
read of many rows steps over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

import msgspec

from headwater.models.fields import Field, Kind, Scalar
from headwater.models.model import Schema

__all__ = [
    "BLANKS",
    "LONGEST_KEY",
    "cell_of",
    "defaults",
    "is_comparable",
    "is_indexable",
    "is_short_key",
    "scalars_reader",
    "type_of",
]

BLANKS: Final[dict[str, object]] = {"text": "", "bigint": 0, "double": 0.0, "boolean": False, "blob": b""}
"""What is written over a value that is no longer there, by type."""

LONGEST_KEY: Final = 60_000
"""Bytes of UTF-8: Cassandra takes a little more."""
_TYPES: Final = {
    Kind.INTEGER: "bigint",
    Kind.REAL: "double",
    Kind.BOOLEAN: "boolean",
    Kind.DECIMAL: "bigint",
    Kind.DATETIME: "bigint",
    Kind.BYTES: "blob",
}


def type_of(field: Field) -> str:
    """The type of its column."""
    return _TYPES.get(field.kind, "text")


def is_indexable(field: Field) -> bool:
    """True where an index can find its values."""
    return field.kind not in {Kind.BYTES, Kind.JSON, Kind.SET}


def is_comparable(field: Field) -> bool:
    """True where an index finds ranges of its values too: those of texts are kept for equality alone."""
    return type_of(field) in {"bigint", "double"}


def is_short_key(scalar: Scalar) -> bool:
    """False for a key that Cassandra cannot take, so that there is no row of it."""
    return not isinstance(scalar, str) or len(scalar) * 4 <= LONGEST_KEY or len(scalar.encode()) <= LONGEST_KEY


def cell_of(field: Field, scalar: Scalar) -> object:
    """A scalar that is there as it is sent."""
    return bool(scalar) if field.kind is Kind.BOOLEAN else scalar


def scalars_reader(schema: Schema) -> Callable[[Sequence[object], str], tuple[Scalar, ...]]:
    """The function from the cells of a row, and the names of its fields that are null, to its scalars.

    A cell that is not there is of a field that is newer than its row: it holds the default.
    """
    known = defaults(schema)
    fields = [(name, field.kind is Kind.BOOLEAN, known.get(name)) for name, field in schema.fields.items()]

    def read(cells: Sequence[object], nulls: str) -> tuple[Scalar, ...]:
        absent = frozenset(nulls.split(",")) if nulls else frozenset[str]()
        scalars: list[Scalar] = []
        for cell, (name, is_boolean, default) in zip(cells, fields, strict=True):
            if name in absent:
                scalars.append(None)
            elif cell is None:
                scalars.append(default)
            else:
                scalars.append(int(cast("bool", cell)) if is_boolean else cast("Scalar", cell))
        return tuple(scalars)

    return read


def defaults(schema: Schema) -> dict[str, Scalar]:
    """The scalar that each field has where a row says nothing of it, of those that have a default."""
    declared = {field.name: field for field in msgspec.structs.fields(schema.model)}
    return {
        name: field.to_scalar(_default(declared[name])) for name, field in schema.fields.items() if not field.required
    }


def _default(declared: msgspec.structs.FieldInfo) -> object:
    factory = declared.default_factory
    return declared.default if factory is msgspec.NODEFAULT else factory()
