"""Bindings: the parameters of a statement, numbered as they are named."""

from __future__ import annotations

from typing import Final, TypeAlias

from headwater.errors import LimitExceeded

__all__ = ["Bindings", "Query"]

Query: TypeAlias = "tuple[str, list[object]]"
"""A statement and its parameters."""

_PARAMETERS: Final = 32_766


class Bindings:
    """What `$1`, `$2` and so on stand for."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def mark(self, value: object, type: str) -> str:
        """One parameter more, as it stands in the statement; raises LimitExceeded beyond what a statement takes."""
        self.values.append(value)
        if len(self.values) > _PARAMETERS:
            raise LimitExceeded("the values in criteria", len(self.values), _PARAMETERS)
        return f"${len(self.values)}::{type}"
