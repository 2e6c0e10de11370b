"""Served: which table of a read model is read, by its number."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from headwater.models.model import ReadModel

__all__ = ["Served", "nothing", "only"]

Served: TypeAlias = Callable[[type[ReadModel]], Awaitable[int]]
"""0 for the table that `ReadModelSchema.ensure` makes. What it says may be some moments old."""


def nothing() -> None:
    """What is to be forgotten where nothing is remembered."""


def only(number: int) -> Served:
    """Always this one."""

    async def served(model: type[ReadModel]) -> int:
        return number

    return served
