"""Table: what PostgreSQL knows of one read model, computed once per class and place: names, and rows to values."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Final, TypeVar

from headwater.engines.postgres.connection import Row
from headwater.engines.postgres.errors import sqlstate
from headwater.engines.postgres.natives import decoder
from headwater.errors import UnknownName
from headwater.models.fields import Field
from headwater.models.model import ReadModel, Schema, schema_of

__all__ = ["Table", "or_unknown", "physical", "qualified", "quoted", "table_of", "unknown"]

M = TypeVar("M", bound=ReadModel)

_LONGEST: Final = 63
"""Bytes of a name; PostgreSQL would cut a longer one without a word."""
_DIGEST: Final = 10
_UNDEFINED_TABLE: Final = "42P01"


class Table:
    """The SQL names of a read model's table, and its rows as values."""

    __slots__ = (
        "_decoders",
        "columns",
        "fields",
        "is_served",
        "key",
        "name",
        "namespace",
        "schema",
        "select",
        "stored",
    )

    def __init__(self, namespace: str, schema: Schema, beside: str = "") -> None:
        self.namespace = namespace
        """The schema of the database that the store is in, as it stands in a statement."""
        self.schema = schema
        self.fields = schema.fields
        self.is_served = not beside
        self.stored = f"{schema.table}{beside}"
        """Its name in what the store remembers; `physical` is the name of the table itself."""
        self.name = qualified(namespace, self.stored)
        """As it stands in a statement."""
        self.key = quoted(schema.key)
        self.columns = tuple(map(quoted, schema.names))
        self.select = f"SELECT {', '.join(f'r.{column}' for column in self.columns)} FROM {self.name} AS r"
        """Every row, in field order."""
        self._decoders = tuple((name, decoder(field)) for name, field in schema.fields.items())

    @property
    def key_field(self) -> Field:
        return self.fields[self.schema.key]

    def rows(self, model: type[M], found: Iterable[Row]) -> list[M]:
        """The rows that `select` found; raises DecodingError for what the class no longer takes."""
        decoders = self._decoders
        return [
            model(
                **{
                    name: decode(value) if decode else value
                    for (name, decode), value in zip(decoders, values, strict=False)
                }
            )
            for values in found
        ]


@lru_cache(maxsize=4096)
def table_of(namespace: str, model: type[ReadModel], beside: str = "") -> Table:
    """The table of a read model that queries read, or the one beside it whose name ends so; in `sql.schema`.

    Raises BadDeclaration as `schema_of` does.
    """
    return Table(namespace, schema_of(model), beside)


def or_unknown(table: Table, error: Exception) -> Exception:
    """UnknownName where the table was never made, otherwise the error."""
    if sqlstate(error) != _UNDEFINED_TABLE:
        return error
    return unknown(table)


def unknown(table: Table) -> UnknownName:
    """The error of a table that was never made."""
    name = table.schema.model.__name__
    return UnknownName(f"read model {name} has no table: name it in read_models=[...]")


def physical(stored: str) -> str:
    """The name of a table in the database: its own, or where that is too long a start of it and a hash of the whole.

    No name that is short enough has a `~`, so the two kinds never meet.
    """
    name = stored.encode()
    if len(name) <= _LONGEST:
        return stored
    digest = base64.b32encode(blake2b(name, digest_size=_DIGEST).digest()).decode().lower()
    kept = name[: _LONGEST - 1 - len(digest)].decode(errors="ignore")
    return f"{kept}~{digest}"


def qualified(namespace: str, stored: str) -> str:
    """A table of the store as it stands in a statement."""
    return f"{namespace}.{quoted(physical(stored))}"


def quoted(name: str) -> str:
    """A name without quotation marks as it stands in a statement."""
    return f'"{name}"'
