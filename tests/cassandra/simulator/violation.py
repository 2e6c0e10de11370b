"""Violation: what ends a schedule."""

from __future__ import annotations

__all__ = ["Violation"]


class Violation(Exception):
    """A rule of the protocol was of no use."""
