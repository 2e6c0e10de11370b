"""Named: a query by its name and fields, and the text that stands for it."""

from __future__ import annotations

import msgspec

from headwater.domain.codec import check_nesting
from headwater.errors import InvalidMessage
from headwater.queries.handler import fields_of

__all__ = ["Named", "named"]


class Named(msgspec.Struct, frozen=True):
    """A query written as a mapping: `{"type": "GetUserById", "params": {"id": "u1"}}`."""

    type: str
    params: dict[str, object]

    def key(self, depth: int) -> str:
        """The name and the fields as JSON of at most this nesting. Raises InvalidMessage, LimitExceeded."""
        try:
            check_nesting(self.params, depth, self.type)
            return f"{self.type}:{msgspec.json.encode(self.params, order='deterministic').decode()}"
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidMessage(f"{self.type} has no cache key: {error}; give caching a key_generator") from error


def named(message: object) -> Named:
    """A query of any form."""
    return message if isinstance(message, Named) else Named(type(message).__name__, dict(fields_of(message)))
