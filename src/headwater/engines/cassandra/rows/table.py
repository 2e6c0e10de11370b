"""Table: what Cassandra knows of one filling of a read model, computed once: names, and the statements of its rows."""

from __future__ import annotations

import base64
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from headwater.engines.cassandra.rows.cells import scalars_reader
from headwater.errors import UnknownName
from headwater.models.fields import Field, Kind
from headwater.models.model import ReadModel, Schema, schema_of

__all__ = ["OWN_COLUMNS", "Table", "physical", "table_of", "unknown"]

OWN_COLUMNS: Final = {
    "_part": "int",
    "_replayed": "bigint",
    "_live": "boolean",
    "_included": "bigint",
    "_turn": "bigint",
    "_nulls": "text",
    "_relative": "blob",
}
"""By name, which no field's begins like: their types. The first two are in the primary key, behind the model's key."""

_LONGEST: Final = 48
"""Letters of a name."""
_DIGEST: Final = 10


class Table:
    """The names of a read model's table, and what is asked of it."""

    def __init__(self, keyspace: str, schema: Schema, number: int) -> None:
        """`keyspace` as it stands in a statement; `number` of the generation whose rows are in it."""
        self.schema = schema
        self.number = number
        self.physical = physical("rm", schema.table, number)
        """The table's name in its keyspace."""
        self.physical_words = physical("rw", schema.table, number)
        """That of the table of its words."""
        self.name = f'{keyspace}."{self.physical}"'
        """As it stands in a statement."""
        self.words = f'{keyspace}."{self.physical_words}"'
        self.key = f'"{schema.key}"'
        self.read_scalars = scalars_reader(schema)
        self.searched = tuple([(at, name) for at, name in enumerate(schema.names) if schema.fields[name].searchable])
        """Place and name of each Searchable field."""
        self.key_place = schema.names.index(schema.key)
        texts = [(at, name) for at, name in enumerate(schema.names) if _is_indexed_text(schema, name)]
        self.indexed_texts = tuple(texts)
        """Place and name of each text that the class asks to be indexed."""
        columns = ", ".join(f'"{name}"' for name in (*schema.names, *OWN_COLUMNS))
        row = f'{self.key} = :key AND "_part" = :part AND "_replayed" = :replayed'
        others = [f'"{name}" = :f{at}' for at, name in enumerate(schema.names) if name != schema.key]
        own = [f'"{name}" = :{name[1:]}' for name in OWN_COLUMNS if name not in {"_part", "_replayed"}]
        image = ", ".join([*others, *own])
        place = f'{self.key} = ? AND "_part" = ? AND "_replayed" = ?'
        self.get = f"SELECT {columns} FROM {self.name} WHERE {self.key} = ?"
        self.get_many = f"SELECT {columns} FROM {self.name} WHERE {self.key} IN ?"
        self.get_written = f'SELECT {columns}, WRITETIME("_live") FROM {self.name} WHERE {place}'
        self.get_all = f"SELECT {columns}, token({self.key}) FROM {self.name}"
        self.get_range = f"{self.get_all} WHERE token({self.key}) >= ? AND token({self.key}) <= ?"
        self.write = f"UPDATE {self.name} USING TIMESTAMP :timestamp SET {image} WHERE {row}"
        self.write_if = f'UPDATE {self.name} SET {image} WHERE {row} IF "_turn" = :was'
        self.write_word = f"INSERT INTO {self.words} (prefix, word, key) VALUES (?, ?, ?)"
        self.find_word = f"SELECT key FROM {self.words} WHERE prefix = ? AND word >= ? AND word < ?"
        self.list_keys = f"SELECT DISTINCT {self.key} FROM {self.name}"
        self.list_prefixes = f"SELECT DISTINCT prefix FROM {self.words}"

    @property
    def key_field(self) -> Field:
        return self.schema.fields[self.schema.key]

    def find_keys(self, condition: str) -> str:
        """The statement for the keys of rows that an index finds."""
        return f"SELECT {self.key} FROM {self.name} WHERE {condition}"


def _is_indexed_text(schema: Schema, name: str) -> bool:
    field = schema.fields[name]
    firsts = {order[0].field for order in schema.orders}
    return field.kind is Kind.TEXT and name != schema.key and (field.indexed or name in firsts)


@lru_cache(maxsize=4096)
def table_of(keyspace: str, model: type[ReadModel], number: int) -> Table:
    """The table of a generation's rows; raises BadDeclaration as `schema_of` does."""
    return Table(keyspace, schema_of(model), number)


def unknown(model: type[ReadModel]) -> UnknownName:
    """The error of a table that was never made."""
    return UnknownName(f"read model {model.__name__} has no table: name it in read_models=[...]")


def physical(kind: str, name: str, number: int) -> str:
    """The name of a table or index, or where that is too long a start of it and a hash of the whole.

    The kind of the short ones ends where that of the others goes on, so the two never meet.
    """
    whole = f"{kind}_{name}_{number}"
    if len(whole) <= _LONGEST:
        return whole
    digest = base64.b32encode(blake2b(whole.encode(), digest_size=_DIGEST).digest()).decode().lower()
    return f"{kind}h_{name[: _LONGEST - len(kind) - 3 - len(digest)]}_{digest}"
