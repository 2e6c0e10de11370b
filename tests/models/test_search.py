"""Search words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidCriteria, LimitExceeded
from headwater.models.search import query_words, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" \t-_.!", []),
        ("John Smith", ["john", "smith"]),
        ("John's e-mail: j@x.org", ["john", "s", "e", "mail", "j", "x", "org"]),
        ("Café CAFE\u0301", ["cafe", "cafe"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("ﬁne Ｆｕｌｌ ２", ["fine", "full", "2"]),  # noqa: RUF001  # compatibility forms
        ("Øyvind Łukasz", ["oyvind", "lukasz"]),
        ("Đorđe Þórður Ħal Ŧ ılık", ["dorde", "thordur", "hal", "t", "ilik"]),  # noqa: RUF001  # dotless
        ("Ærø Ǽ Œuvre", ["aero", "ae", "oeuvre"]),
        ("snake_case", ["snake", "case"]),
        ("İstanbul", ["istanbul"]),
        ("ΣΊΣΥΦΟΣ σίσυφος", ["σισυφοσ", "σισυφοσ"]),  # final sigma
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text())
def test_words_are_words_of_themselves(text: str) -> None:
    found = words(text)
    assert words(" ".join(found)) == found
    assert words(text.upper().lower()) == words(text.upper())


def test_a_query_is_text_of_not_too_many_words() -> None:
    assert query_words("b a B") == ("b", "a")
    with pytest.raises(InvalidCriteria):
        query_words(None)  # type: ignore[arg-type]
    with pytest.raises(LimitExceeded):
        query_words(" ".join(map(str, range(65))))
