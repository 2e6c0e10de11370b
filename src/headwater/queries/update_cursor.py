"""UpdateCursor: which answer of a query somebody has seen, as signed text that fits only this query of this store."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

import msgspec

from headwater.errors import InvalidCursor, InvalidMessage
from headwater.ports.engine import Identity

__all__ = ["UpdateCursor"]

_BYTES: Final = 16
"""Of a digest, and of its signature."""


class UpdateCursor:
    """Makes and reads the cursors of one query. They hold a keyed digest of the answer, which tells nothing of it."""

    def __init__(self, question: str, identity: Identity) -> None:
        """`question` is the query's name and fields."""
        self._question = hashlib.sha256(question.encode()).digest()
        self._identity = identity

    def digest(self, answer: object) -> bytes:
        """Differs if the answer's encoded bytes do. Raises InvalidMessage for what cannot be encoded."""
        try:
            encoded = _ENCODER.encode(answer)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise InvalidMessage(
                f"an answer of type {type(answer).__name__} cannot be compared with the next one: {error}; "
                "return what msgspec can encode, or execute the query again and again"
            ) from error
        return self._signed(b"answer:", encoded)

    def text(self, digest: bytes) -> str:
        """Text of A-Z a-z 0-9 - _."""
        return base64.urlsafe_b64encode(self._signed(b"update:", digest) + digest).rstrip(b"=").decode()

    def read(self, text: str) -> bytes:
        """The digest; raises InvalidCursor unless this store made the text for this query."""
        try:
            data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        except (ValueError, AttributeError):
            raise _refused() from None
        signature, digest = data[:_BYTES], data[_BYTES:]
        if not hmac.compare_digest(signature, self._signed(b"update:", digest)):
            raise _refused()
        return digest

    def _signed(self, purpose: bytes, data: bytes) -> bytes:
        return hmac.digest(self._identity.secret, purpose + self._question + data, hashlib.sha256)[:_BYTES]


def _plain(value: object) -> object:
    """What msgspec cannot encode by itself: pydantic's models."""
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"{type(value).__name__} has no encoding")
    return dump()


def _refused() -> InvalidCursor:
    return InvalidCursor("this cursor was not made for this query by this store: subscribe without after=")


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_plain, order="deterministic")
