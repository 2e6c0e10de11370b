"""Table: what SQLite knows of one read model, computed once per class and place: names, scalars in, rows out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, TypeVar

import apsw

from headwater.engines.sqlite.connection import has_table
from headwater.errors import UnknownName
from headwater.models.fields import Field, Kind, Scalar
from headwater.models.model import ReadModel, Schema, schema_of

__all__ = ["Decode", "Table", "decoder", "or_unknown", "quoted", "table_of"]

M = TypeVar("M", bound=ReadModel)

Decode = Callable[[Scalar], object]

_BARE_TYPES: Final[frozenset[object]] = frozenset({str, int})
_INTEGER_KEYS: Final = frozenset({Kind.INTEGER, Kind.DATETIME})


class Table:
    """The SQL names of a read model's table, and its rows as scalars and back."""

    __slots__ = (
        "_decoders",
        "columns",
        "fields",
        "is_served",
        "key",
        "name",
        "row_id",
        "schema",
        "searchable",
        "select",
        "stored",
    )

    def __init__(self, schema: Schema, beside: str = "") -> None:
        self.schema = schema
        self.fields = schema.fields
        self.is_served = not beside
        self.stored = f"{schema.table}{beside}"
        """Its name in the file."""
        self.name = quoted(self.stored)
        """As it stands in a statement."""
        self.key = quoted(schema.key)
        self.columns = tuple(map(quoted, schema.names))
        self.searchable = tuple(name for name, field in schema.fields.items() if field.searchable)
        self.row_id = self.key if not self.searchable or self.has_integer_key else '"_row"'
        """The column whose whole number ties a row to its entry in the search index."""
        self.select = f"SELECT {', '.join(f'r.{column}' for column in self.columns)} FROM {self.name} AS r"
        """Every row, in field order."""
        self._decoders = tuple((name, decoder(field)) for name, field in schema.fields.items())

    @property
    def has_integer_key(self) -> bool:
        return self.fields[self.schema.key].kind in _INTEGER_KEYS

    def column(self, field: Field) -> str:
        """A field's column in `select`."""
        return f'r."{field.name}"'

    def rows(self, model: type[M], found: Iterable[Sequence[Scalar]]) -> list[M]:
        """The rows of scalars in field order; raises DecodingError for what the class no longer takes."""
        decoders = self._decoders
        return [
            model(
                **{
                    name: decode(scalar) if decode else scalar
                    for (name, decode), scalar in zip(decoders, scalars, strict=False)
                }
            )
            for scalars in found
        ]


@lru_cache(maxsize=4096)
def table_of(model: type[ReadModel], beside: str = "") -> Table:
    """The table of a read model that queries read, or the one beside it whose name ends so.

    Raises BadDeclaration as `schema_of` does.
    """
    return Table(schema_of(model), beside)


def or_unknown(connection: apsw.Connection, table: Table, error: apsw.SQLError) -> Exception:
    """UnknownName where the table was never made, otherwise the error."""
    if has_table(connection, table.stored):
        return error
    name = table.schema.model.__name__
    return UnknownName(f"read model {name} has no table: name it in read_models=[...]")


def quoted(name: str) -> str:
    """A name without quotation marks as it stands in a statement."""
    return f'"{name}"'


def decoder(field: Field) -> Decode | None:
    """From a stored scalar to its value; None if it is the value."""
    if field.kind in {Kind.REAL, Kind.BYTES} or (field.kind in {Kind.TEXT, Kind.INTEGER} and field.type in _BARE_TYPES):
        return None
    return field.to_value
