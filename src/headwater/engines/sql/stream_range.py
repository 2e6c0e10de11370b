"""Ranges of streams: between which names those of a category lie, names being compared by code point."""

from __future__ import annotations

from typing import Final

__all__ = ["stream_range"]

_LAST_NAME: Final = "\U0010ffff"


def stream_range(after: str, category: str | None) -> tuple[str, str]:
    """All streams behind `after`, of a category if asked, have names between these two, which are none of theirs."""
    first, last = ("", _LAST_NAME) if category is None else (f"{category}-", f"{category}.")
    return max(after, first), last
