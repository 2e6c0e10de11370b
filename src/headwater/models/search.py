"""Search words: the one normaliser of content and of queries, on every engine.

Text is decomposed (NFKD), stripped of marks, case-folded, and cut into words of letters and digits, so that
"Café" is found by "CAFE", "straße" by "strasse", and "Øyvind" by "oyvind".
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from headwater.errors import InvalidCriteria, LimitExceeded
from headwater.models.shown import shown

__all__ = ["query_words", "words"]

_WORD: Final = re.compile(r"[^\W_]+")
_QUERY_WORDS: Final = 64
_WHOLE_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "þ": "th", "æ": "ae", "œ": "oe"}  # noqa: RUF001  # dotless is meant
)
"""Letters that Unicode does not decompose, as those write them who do not have them."""


def words(text: str) -> list[str]:
    """The words of a text, normalised, in order, repeats kept."""
    return _WORD.findall(text.lower() if text.isascii() else _folded(text))


def query_words(query: str) -> tuple[str, ...]:
    """The distinct words of a query; raises InvalidCriteria for no text, LimitExceeded for more than 64 words."""
    if not isinstance(query, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a checker
        raise InvalidCriteria(f"a search takes text, got {shown(query)}")
    distinct = tuple(dict.fromkeys(words(query)))
    if len(distinct) > _QUERY_WORDS:
        raise LimitExceeded("the words of a search", len(distinct), _QUERY_WORDS)
    return distinct


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(c for c in folded if not unicodedata.category(c).startswith("M"))
    return plain.translate(_WHOLE_LETTERS)
