"""ReadModels: the reader's side of the read models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from headwater.models.criteria import All, Criteria, Order
from headwater.models.model import ReadModel
from headwater.models.pipeline import Pipeline

__all__ = ["ReadModels", "Selection"]

M = TypeVar("M", bound=ReadModel)


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows, in which order, how many."""

    criteria: Criteria = All()
    order: tuple[Order, ...] = ()
    """Ties, and an empty order, are broken by the key, ascending."""
    limit: int | None = None
    skip: int = 0


class ReadModels(Protocol):
    """Reads of declared read models.

    Law: criteria, orders, searches and pipelines mean the same on every engine (see `headwater.models`); one call
    reads one consistent state; rows come back as they were written, Decimals and datetimes exact.
    """

    async def get(self, model: type[M], key: object) -> M | None: ...

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]: ...

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int: ...

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        """Rows in which every token starts a word of one of the fields, by key. Tokens are normalised already."""
        ...

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]: ...
