"""The search index of a read model: an FTS5 table beside its own, holding normalised words and no text.

The tokenizer `ascii` takes every other character for part of a word and folds A-Z, so the words are those of
`headwater.models.search` and nothing else decides. Column names have a `_` in front: FTS5 keeps `rank` and
`rowid` for itself.
"""

# apsw's annotations name collections.abc.Buffer, which is new in Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Sequence

import apsw

from headwater.engines.sqlite.table import Table, quoted
from headwater.models.fields import Scalar
from headwater.models.search import words

__all__ = ["create", "forget", "index", "match", "name_of", "returning"]


def name_of(table: Table) -> str:
    """As it stands in a statement."""
    return quoted(f"{table.stored}__search")


def create(connection: apsw.Connection, table: Table) -> None:
    """The empty index of a table with searchable fields; raises if something of its name is there."""
    columns = ", ".join(quoted(f"_{name}") for name in table.searchable)
    options = "tokenize = 'ascii', content = '', contentless_delete = 1, detail = 'column'"
    connection.execute(f"CREATE VIRTUAL TABLE {name_of(table)} USING fts5({columns}, {options})")


def returning(table: Table) -> str:
    """The clause that makes a write hand over what `index` takes."""
    return f" RETURNING {table.row_id}, " + ", ".join(map(quoted, table.searchable))


def index(connection: apsw.Connection, table: Table, written: Iterable[Sequence[Scalar]]) -> None:
    """Take up rows, each as its row id and its searchable texts, in place of what was known of them."""
    columns = ", ".join(["rowid", *(quoted(f"_{name}") for name in table.searchable)])
    marks = ", ".join("?" * (len(table.searchable) + 1))
    entries = ((row_id, *map(_normalised, texts)) for row_id, *texts in written)
    connection.executemany(f"INSERT OR REPLACE INTO {name_of(table)}({columns}) VALUES ({marks})", entries)


def forget(connection: apsw.Connection, table: Table, removed: Iterable[Sequence[Scalar]]) -> None:
    """Leave out rows, each given as its row id first."""
    connection.executemany(f"DELETE FROM {name_of(table)} WHERE rowid = ?", [row[:1] for row in removed])


def match(fields: Sequence[str], tokens: Sequence[str]) -> str:
    """The FTS5 query for rows in which every token starts a word of one of the fields."""
    columns = " ".join(f"_{name}" for name in fields)
    starts = " AND ".join(f'"{token}"*' for token in tokens)
    return f"{{{columns}}} : ({starts})"


def _normalised(text: Scalar) -> str | None:
    return " ".join(words(text)) if isinstance(text, str) else None
