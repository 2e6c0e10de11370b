"""Shown: a refused value as it may stand in a message."""

from __future__ import annotations

__all__ = ["shown"]

_LENGTH = 80


def shown(value: object) -> str:
    """The value in printable ASCII, cut short; its type alone where it cannot be printed."""
    try:
        return ascii(value)[:_LENGTH]
    except Exception:  # a number of 5,000 digits, or a class whose __repr__ fails
        return f"a {type(value).__name__}"
