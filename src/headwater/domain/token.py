"""Token: what a write returns, so that a read can ask for at least this."""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec

from headwater.errors import InvalidToken

__all__ = ["Token"]


class Token(msgspec.Struct, frozen=True):
    """Names the last event of each stream a command wrote. Opaque to callers: the engine finds the offsets."""

    store: str
    """The id of the store that made it."""
    writes: tuple[tuple[str, int], ...]
    """Stream text and version, one pair for each stream written; empty for a command without events."""

    def to_text(self, secret: bytes) -> str:
        """Signed text of A-Z a-z 0-9 - _ and a dot, fit for an HTTP header."""
        body = _b64(msgspec.json.encode(self))
        return f"{body}.{_signature(body, secret)}"

    @classmethod
    def from_text(cls, text: str, secret: bytes) -> Token:
        """Raises InvalidToken if the text was not made by `to_text` with this secret."""
        body, _, signature = str(text).partition(".")
        if not hmac.compare_digest(signature.encode(errors="replace"), _signature(body, secret).encode()):
            raise InvalidToken("this token was not made by this store: use the token of a receipt, unchanged")
        return msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=cls)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signature(body: str, secret: bytes) -> str:
    return _b64(hmac.digest(secret, b"token:" + body.encode(errors="replace"), hashlib.sha256)[:16])
