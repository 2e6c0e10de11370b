"""Free texts: errors, traces and reasons, which hold whatever an exception was told, as every store can keep them."""

from __future__ import annotations

__all__ = ["told"]


def told(text: str) -> str:
    """The text with a mark for each sign that some store keeps no text with: NUL, and halves of surrogate pairs."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
