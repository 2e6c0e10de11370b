"""Served: which generation of a read model is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from headwater.models.model import ReadModel

__all__ = ["Served", "only"]

Served: TypeAlias = Callable[[type[ReadModel]], Awaitable[int]]
"""The number of the generation whose rows are served; 0 for a model without generations."""


def only(number: int) -> Served:
    """Always this one."""

    async def served(model: type[ReadModel]) -> int:
        return number

    return served
