"""What text may be a name or an id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.domain.identifier import Identifier, check_id, check_type_name, shown
from headwater.errors import InvalidId, InvalidIdentifier, LimitExceeded

DIGITS = 10**100_000
"""More digits than Python prints."""
HUGE = pytest.param(DIGITS, id="huge")


@pytest.mark.parametrize("name", ["a", "user", "user_read_model", "a1", "a" * 48])
def test_a_name(name: str) -> None:
    assert Identifier(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "1a",
        "_a",
        "a-b",
        "a b",
        "a\n",
        "a" * 49,
        "a" * 70_000,
        'x"; DROP TABLE events;--',
        "x' OR 1=1",
        "\u0430",  # cyrillic, looks like a
        "a\0",
        None,
        1,
        HUGE,
        b"a",
    ],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(InvalidIdentifier, match="is no name"):
        Identifier(name)


@pytest.mark.parametrize("name", ["builtins.eval", "os.system", "a-b", "", "9a", "a" * 129, "Ä", None, HUGE])
def test_what_is_no_type_name(name: str) -> None:
    with pytest.raises(InvalidIdentifier, match="is no type name"):
        check_type_name(name)


@pytest.mark.parametrize("id", ["u1", "john@example.com", "a b", "../x", "%2e%2e", "a" * 512, "\u00e9", "名前"])
def test_an_id(id: str) -> None:
    assert check_id(id) == id


def test_case_twins_are_two_ids() -> None:
    assert check_id("A") != check_id("a")


@pytest.mark.parametrize(
    ("id", "why"),
    [
        ("", "at least one character"),
        (None, "at least one character"),
        (7, "at least one character"),
        pytest.param(DIGITS, "<int>", id="huge"),
        ("a\0b", "control"),
        ("a\nb", "control"),
        ("\x1b[31m", "control"),
        ("a\u202eb", "format"),  # right to left
        ("a\u200bb", "format"),  # zero width space
        ("\ufeffa", "format"),
        ("a\u2028b", "control"),
        ("\ud800", "surrogate"),
        ("e\u0301", "normal form C"),
    ],
)
def test_what_is_no_id(id: str, why: str) -> None:
    with pytest.raises(InvalidId, match=why):
        check_id(id, "stream id")


def test_an_nfd_twin_is_refused_so_that_only_one_of_them_exists() -> None:
    assert check_id("\u00e9")
    with pytest.raises(InvalidId):
        check_id("e\u0301")


@pytest.mark.parametrize("id", ["a" * 513, "a" * 70_000, "\u00e9" * 257])
def test_an_id_is_measured_in_bytes(id: str) -> None:
    with pytest.raises(LimitExceeded, match="the limit is 512") as caught:
        check_id(id)
    assert caught.value.size == len(id.encode())


def test_a_lower_limit_is_kept_for_plain_text_too() -> None:
    with pytest.raises(LimitExceeded):
        check_id("a" * 65, limit=64)


@given(st.text())
def test_every_text_is_an_id_or_refused(text: str) -> None:
    try:
        assert check_id(text) == text
    except (InvalidId, LimitExceeded):
        return
    assert text.isprintable() or text.strip() != text or any(c.isspace() for c in text) or not text.isascii()


def test_anything_can_be_shown() -> None:
    loop: list[object] = []
    loop.append(loop)
    deep: object = ()
    for _ in range(100_000):
        deep = (deep,)
    assert shown("\u202e") == "'\\u202e'"
    assert shown(DIGITS) == "<int>"
    assert shown(deep) == "<tuple>"
    assert shown(loop) == "[[...]]"
    assert len(shown("a" * 1_000)) == 80
