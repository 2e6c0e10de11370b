"""Names and ids: the one place that says what text may be one."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from headwater.errors import InvalidId, InvalidIdentifier, LimitExceeded

__all__ = ["Identifier", "check_id", "check_type_name", "shown"]

_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_]{0,47}\Z")
_TYPE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}\Z")
_PLAIN_ID: Final = re.compile(r"[!-~]{1,128}\Z")
_REFUSED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Identifier(str):
    """A name that becomes part of a statement or a path: `[a-z][a-z0-9_]{0,47}`.

    Raises:
        InvalidIdentifier: the text has another form.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Identifier:
        if not _is_text(text) or _IDENTIFIER.match(text) is None:
            raise InvalidIdentifier(f"{shown(text)} is no name: use a-z, 0-9 and _, a letter first, at most 48")
        return super().__new__(cls, text)


def check_type_name(name: str) -> str:
    """A message type's stored name: letters, digits and `_`, a letter first, at most 128."""
    if not _is_text(name) or _TYPE_NAME.match(name) is None:
        raise InvalidIdentifier(f"{shown(name)} is no type name: use letters, digits and _, a letter first")
    return name


def check_id(text: str, what: str = "id", limit: int = 512) -> str:
    """Text that may name a stream, a command or a unique key: returned unchanged.

    Refused: empty text, more than `limit` bytes of UTF-8, control and format characters (NUL, newline,
    escapes, zero-width and direction marks), lone surrogates, and text that is not in normal form C,
    so that no two ids look alike and differ.

    Raises:
        InvalidId: for each of these.
        LimitExceeded: for the length.
    """
    if _is_text(text) and _PLAIN_ID.match(text) is not None and len(text) <= limit:
        return text
    if not _is_text(text) or not text:
        raise InvalidId(f"{what} must be text of at least one character, got {shown(text)}")
    if any(unicodedata.category(c) in _REFUSED for c in text):
        raise InvalidId(f"{what} {shown(text)} holds a control, format or surrogate character: remove it")
    if not unicodedata.is_normalized("NFC", text):
        raise InvalidId(f"{what} {shown(text)} is not in Unicode normal form C: normalise it first")
    if (size := len(text.encode())) > limit:
        raise LimitExceeded(f"{what} in bytes", size, limit)
    return text


def _is_text(value: object) -> bool:
    """Callers without a type checker hand in anything."""
    return isinstance(value, str)


def shown(value: object) -> str:
    """Any value as at most 80 ASCII characters, fit for a message and a log."""
    try:
        text = ascii(value)
    except (ValueError, RecursionError):  # a whole number of more digits than Python prints, or endless nesting
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 80 else text[:77] + "..."
