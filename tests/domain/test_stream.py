"""Stream ids."""

from __future__ import annotations

import pytest

from headwater.domain.stream import StreamId
from headwater.errors import InvalidId, InvalidIdentifier, LimitExceeded


@pytest.mark.parametrize("id", ["u1", "a-b-c", "-", "é"])
def test_text_and_back(id: str) -> None:
    stream = StreamId.of("user", id)
    assert StreamId.parse(str(stream)) == stream


def test_the_text_splits_at_the_first_hyphen() -> None:
    assert StreamId.parse("user-a-b") == StreamId("user", "a-b")


@pytest.mark.parametrize("text", ["", "user", "user-", "user-\0", "user-e\u0301"])
def test_what_is_no_stream(text: str) -> None:
    with pytest.raises(InvalidId):
        StreamId.parse(text)


@pytest.mark.parametrize("text", ["-a", "User-a", "a b-c"])
def test_a_bad_category(text: str) -> None:
    with pytest.raises(InvalidIdentifier):
        StreamId.parse(text)


def test_a_long_id() -> None:
    with pytest.raises(LimitExceeded):
        StreamId.of("user", "a" * 70_000)
