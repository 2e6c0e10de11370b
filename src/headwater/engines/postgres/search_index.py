"""The search index of a read model: for each Searchable field a hidden column of its words, and an index over it.

The words are those of `headwater.models.search`; PostgreSQL parses nothing. A lexeme takes 2 kB and a column of them
1 MB, so words are cut at 64 letters, and a text of too many words holds the sign `*` in their place, which is in every
answer. Rows that a cut or a `*` lets through are looked at once more, with `models.evaluate.finds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headwater.engines.postgres.bindings import Bindings
from headwater.engines.postgres.table import quoted
from headwater.models.search import words

__all__ = ["RECEIVED", "column_of", "is_cut", "match", "may_overflow", "name_of", "words_of"]

RECEIVED: Final = "array_to_tsvector(string_to_array({}, ' '))"
"""From what `words_of` gives to the value of a column."""

_LETTERS: Final = 64
_BYTES: Final = 1_000_000
_OVERFLOW: Final = "*"
"""No word has this sign."""


def name_of(field: str) -> str:
    """The column of a field's words; no field's name begins so."""
    return f"_search_{field}"


def column_of(field: str) -> str:
    """The same as it stands in a statement."""
    return quoted(name_of(field))


def words_of(text: str | None) -> str | None:
    """A text's distinct words, as they are sent."""
    if text is None:
        return None
    found = " ".join(dict.fromkeys([word[:_LETTERS] for word in words(text)]))
    return found if len(found) <= _BYTES // 4 or len(found.encode()) <= _BYTES else _OVERFLOW


def match(fields: Sequence[str], tokens: Sequence[str], bindings: Bindings) -> str:
    """The condition of rows in which every token starts a word of one of the fields, or may."""
    marks = [bindings.mark(f"'{token[:_LETTERS]}':* | '{_OVERFLOW}'", "tsquery") for token in tokens]
    return " AND ".join(f"({_any([f'r.{column_of(field)} @@ {mark}' for field in fields])})" for mark in marks)


def may_overflow(fields: Sequence[str]) -> str:
    """Whether a row holds a text of too many words."""
    return _any([f"coalesce(r.{column_of(field)} @@ '''{_OVERFLOW}'''::tsquery, FALSE)" for field in fields])


def is_cut(tokens: Sequence[str]) -> bool:
    """True where a token is longer than the words that are kept."""
    return any(len(token) > _LETTERS for token in tokens)


def _any(conditions: Sequence[str]) -> str:
    return " OR ".join(conditions)
