"""Search words: where the words of Searchable fields lead to keys.

A word is written before its row and never taken away: what it leads to is looked at, with `models.evaluate.finds`.
Words lie together by their first two letters, and are cut at 64.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, cast

from headwater.engines.cassandra.rows.cells import defaults
from headwater.engines.cassandra.rows.table import Table
from headwater.engines.cassandra.session import Session
from headwater.errors import InvalidCriteria
from headwater.models.model import ReadModel
from headwater.models.search import words

__all__ = ["keys_of_word", "longest", "words_of", "write_default_words"]

_PREFIX: Final = 2
_LETTERS: Final = 64
_LAST: Final = "\U0010ffff"
"""Behind every letter of a word."""


def words_of(table: Table, row: ReadModel | None) -> set[tuple[str, str]]:
    """The prefix and the word of each word in a row."""
    texts = [cast("str | None", getattr(row, name)) for _, name in table.searched] if row is not None else []
    cut = {word[:_LETTERS] for text in texts if text for word in words(text)}
    return {(word[:_PREFIX], word) for word in cut}


async def write_default_words(session: Session, table: Table, fields: Iterable[str]) -> None:
    """Of fields that are new to the rows that are there."""
    known = defaults(table.schema)
    texts = [known[name] for _, name in table.searched if name in fields]
    new = {word[:_LETTERS] for text in texts if isinstance(text, str) for word in words(text)}
    if new:
        async for page in session.pages(table.list_keys):
            for (key,) in page:
                await asyncio.gather(*[session.write((table.write_word, (word[:_PREFIX], word, key))) for word in new])


def longest(tokens: Sequence[str]) -> str:
    """The token that leads to the fewest rows, as far as can be told."""
    return max(tokens, key=len)[:_LETTERS]


async def keys_of_word(session: Session, table: Table, token: str, most: int) -> set[object]:
    """The keys of rows in which a word once began so; raises InvalidCriteria for more than `most`."""
    keys: set[object] = set()
    for prefix in await _prefixes(session, table, token):
        async for page in session.pages(table.find_word, prefix, token, token + _LAST):
            keys.update([key for (key,) in page])
            if len(keys) > most:
                name = table.schema.model.__name__
                raise InvalidCriteria(
                    f"more than {most:,} rows of {name} have words that begin so: search for longer ones"
                )
    return keys


async def _prefixes(session: Session, table: Table, token: str) -> Iterable[str]:
    """Those that words lie under which begin so: one letter alone may be followed by any."""
    if len(token) >= _PREFIX:
        return [token[:_PREFIX]]
    found = await session.rows(table.list_prefixes)
    return [prefix for (prefix,) in cast("list[tuple[str]]", found) if prefix.startswith(token)]
