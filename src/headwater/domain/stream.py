"""StreamId: a category and an id."""

from __future__ import annotations

import msgspec

from headwater.domain.identifier import Identifier, check_id, shown
from headwater.errors import InvalidId

__all__ = ["StreamId"]


class StreamId(msgspec.Struct, frozen=True, order=True):
    """Which stream: `StreamId("user", "u1")`, as text `user-u1`.

    The category has no hyphen, so the text splits at the first one without doubt. Ids are compared
    code point by code point: `A` and `a` are two streams.
    """

    category: str
    id: str

    @classmethod
    def of(cls, category: str, id: str, limit: int = 512) -> StreamId:
        """A checked stream id; raises InvalidIdentifier, InvalidId or LimitExceeded."""
        return cls(Identifier(category), check_id(id, "stream id", limit))

    @classmethod
    def parse(cls, text: str, limit: int = 512) -> StreamId:
        """Read `category-id`; raises InvalidId, InvalidIdentifier or LimitExceeded."""
        category, hyphen, id = text.partition("-")
        if not hyphen:
            raise InvalidId(f"{shown(text)} is no stream: write category-id, as in user-u1")
        return cls.of(category, id, limit)

    def __str__(self) -> str:
        return f"{self.category}-{self.id}"
