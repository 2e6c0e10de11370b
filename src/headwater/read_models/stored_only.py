"""StoredOnly: reads of read models, some of which are not there to be read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from headwater.errors import NotStored, ViewNotReady
from headwater.models.criteria import Criteria
from headwater.models.model import ReadModel
from headwater.models.pipeline import Pipeline
from headwater.models.selection import Selection
from headwater.ports.read_models import ReadModels

__all__ = ["StoredOnly"]

M = TypeVar("M", bound=ReadModel)


class StoredOnly:
    """A ReadModels that raises NotStored for the models in `live`, ViewNotReady for those in `unfit`.

    Both may grow and shrink.
    """

    def __init__(
        self, reader: ReadModels, live: Collection[type[ReadModel]], unfit: Collection[type[ReadModel]] = ()
    ) -> None:
        self._reader = reader
        self._live = live
        self._unfit = unfit

    async def get(self, model: type[M], key: object) -> M | None:
        self._check(model)
        return await self._reader.get(model, key)

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        self._check(model)
        return await self._reader.find(model, selection)

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        self._check(model)
        return await self._reader.count(model, criteria)

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        self._check(model)
        return await self._reader.search(model, fields, tokens, limit)

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        self._check(model)
        return await self._reader.aggregate(model, pipeline)

    def _check(self, model: type[ReadModel]) -> None:
        if model in self._live:
            raise NotStored(
                f"{model.__name__} is registered with live(): nothing of it is stored to be queried. Get a row with "
                "fetch_latest, or register its fold without live()"
            )
        if model in self._unfit:
            raise ViewNotReady(
                f"the table of {model.__name__} is of an earlier version until the one this code declares is built and "
                "served: see `headwater projections status`, and let the release before answer meanwhile"
            )
