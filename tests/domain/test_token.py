"""Tokens as signed text."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.domain.token import Token
from headwater.errors import InvalidToken

SECRET = b"s" * 32
TOKEN = Token("store", (("user-é", 3), ("order-1", 2**63 - 1)))
tokens = st.builds(
    Token,
    st.text(st.characters(codec="utf-8")),
    st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.integers(0, 2**63 - 1))).map(tuple),
)


@given(tokens)
def test_text_and_back(token: Token) -> None:
    text = token.to_text(SECRET)
    assert Token.from_text(text, SECRET) == token
    assert set(text) <= set(string.ascii_letters + string.digits + "-_.")


@given(st.integers(0, len(TOKEN.to_text(SECRET)) - 1), st.sampled_from(string.ascii_letters + ".-_\n é\ud800"))
def test_a_changed_character_is_seen(place: int, character: str) -> None:
    text = TOKEN.to_text(SECRET)
    changed = text[:place] + character + text[place + 1 :]
    if changed != text:
        with pytest.raises(InvalidToken, match="was not made by this store"):
            Token.from_text(changed, SECRET)


@pytest.mark.parametrize("text", ["", ".", "a.b", "x" * 70_000, TOKEN.to_text(SECRET) + "=", None, b"a.b", 1])
def test_a_forged_token(text: str) -> None:
    with pytest.raises(InvalidToken):
        Token.from_text(text, SECRET)


def test_a_token_of_another_secret() -> None:
    with pytest.raises(InvalidToken):
        Token.from_text(TOKEN.to_text(b"other" * 8), SECRET)
