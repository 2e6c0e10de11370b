"""Watching: how long work says how far it is."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Watch"]


class Watch(Protocol):
    """Someone who looks on; what they do with it is theirs."""

    def begin(self, phase: str, total: int | None) -> None:
        """A phase begins; `total` is how much there is to do, None if that is not known."""
        ...

    def reached(self, done: int) -> None:
        """So much of the phase is done."""
        ...
