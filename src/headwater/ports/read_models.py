"""ReadModels: the reader's side of the read models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from headwater.models.criteria import Criteria
from headwater.models.model import ReadModel
from headwater.models.pipeline import Pipeline
from headwater.models.selection import Selection

__all__ = ["ReadModels", "Selection"]

M = TypeVar("M", bound=ReadModel)


class ReadModels(Protocol):
    """Reads of declared read models.

    Law: criteria, orders, searches and pipelines mean the same on every engine (see `headwater.models`); one call
    reads one consistent state; rows come back as they were written, Decimals and datetimes exact. Criteria and
    pipelines are checked by each call (`bind`, `bind_selection`, `bind_pipeline`): InvalidCriteria, LimitExceeded.
    """

    async def get(self, model: type[M], key: object) -> M | None:
        """The row of a key; raises InvalidMessage for a key of another kind."""
        ...

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        """The selected rows in order; raises InvalidCriteria for fields or values the model does not have."""
        ...

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        """How many rows match."""
        ...

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        """Rows in which every token starts a word of one of the fields, by key; none for no tokens.

        Each token may be in another field. Fields are Searchable ones, tokens made by `models.search.query_words`.
        """
        ...

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        """What the pipeline makes of the rows, in its total order."""
        ...
