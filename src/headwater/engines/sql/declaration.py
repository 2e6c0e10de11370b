"""Declarations: what a stored table of a read model depends on, and whether a class still fits it."""

from __future__ import annotations

import msgspec

from headwater.errors import StoreMismatch
from headwater.models.model import Schema

__all__ = ["Column", "Declaration", "declared", "new_fields"]


class Column(msgspec.Struct, frozen=True):
    """What a stored column depends on."""

    kind: str
    optional: bool
    scale: int
    searchable: bool


class Declaration(msgspec.Struct, frozen=True):
    """What a stored table depends on; kept as JSON, by table."""

    key: str
    columns: dict[str, Column]

    @property
    def has_search(self) -> bool:
        return any(column.searchable for column in self.columns.values())


def declared(schema: Schema) -> Declaration:
    """What the table of a read model is to be."""
    return Declaration(
        schema.key,
        {
            name: Column(field.kind.value, field.optional, field.scale, field.searchable)
            for name, field in schema.fields.items()
        },
    )


def new_fields(schema: Schema, stored: Declaration) -> list[str]:
    """The fields to add; raises StoreMismatch naming one that cannot be added or has changed."""
    wanted = declared(schema)
    if stored.key != wanted.key:
        raise _mismatch(schema, wanted.key, "has become the key")
    for name, column in stored.columns.items():
        if name not in wanted.columns:
            raise _mismatch(schema, name, "is no longer declared")
        if column != wanted.columns[name]:
            raise _mismatch(schema, name, f"was {_shown(column)} and is declared {_shown(wanted.columns[name])}")
    new = [name for name in wanted.columns if name not in stored.columns]
    for name in new:
        if schema.fields[name].required:
            raise _mismatch(schema, name, "is new and has no default")
    return new


def _mismatch(schema: Schema, field: str, what: str) -> StoreMismatch:
    name, model = str(schema.table), schema.model.__name__
    return StoreMismatch(
        f"{model}.{field} {what}, so its table {name!r} does not fit: if a projection fills it, rebuild the "
        f"read model with `headwater projections rebuild {name}`, or with initialize(rebuilding=True) and "
        f"synchronizer.rebuild_read_model({model})"
    )


def _shown(column: Column) -> str:
    kind = f"{column.kind}({column.scale})" if column.scale else column.kind
    return " ".join(["searchable"] * column.searchable + ["optional"] * column.optional + [kind])
