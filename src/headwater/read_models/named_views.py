"""NamedViews: views whose read models may also be named, and whose rows and options may be mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast, overload

from headwater.errors import InvalidCriteria, InvalidMessage
from headwater.models.criteria_parsing import CriteriaLike
from headwater.models.model import ReadModel, schema_of
from headwater.models.ordering import OrderLike
from headwater.models.pipeline_parsing import PipelineLike
from headwater.models.shown import shown
from headwater.read_models.names import ModelNames, key_in
from headwater.read_models.views import Page, Views
from headwater.read_models.writing import NO_KEY, check_upsert

__all__ = ["NamedViews"]

M = TypeVar("M", bound=ReadModel)


class NamedViews(Views):
    """Views by class, table name or class name.

    Every method raises UnknownName for a name that is no read model, InvalidIdentifier for what can be no name.
    """

    _names: ModelNames

    @overload
    async def get(self, model: type[M], key: object, /) -> M | None: ...
    @overload
    async def get(self, model: str, key: object, /) -> ReadModel | None: ...
    async def get(self, model: type[ReadModel] | str, key: object, /) -> ReadModel | None:
        found = self._names.model(model)
        return await super().get(found, key_in(found, key))

    @overload
    async def find_one(self, model: type[M], criteria: CriteriaLike = None, /, **equal: object) -> M | None: ...
    @overload
    async def find_one(self, model: str, criteria: CriteriaLike = None, /, **equal: object) -> ReadModel | None: ...
    async def find_one(
        self, model: type[ReadModel] | str, criteria: CriteriaLike = None, /, **equal: object
    ) -> ReadModel | None:
        return await super().find_one(self._names.model(model), criteria, **equal)

    @overload
    async def find(
        self,
        model: type[M],
        criteria: CriteriaLike = None,
        /,
        *,
        order_by: OrderLike = (),
        limit: int | None = None,
        skip: int = 0,
        **equal: object,
    ) -> list[M]: ...
    @overload
    async def find(
        self,
        model: str,
        criteria: CriteriaLike = None,
        /,
        *,
        order_by: OrderLike = (),
        limit: int | None = None,
        skip: int = 0,
        **equal: object,
    ) -> list[ReadModel]: ...
    async def find(
        self,
        model: type[ReadModel] | str,
        criteria: CriteriaLike = None,
        /,
        *,
        order_by: OrderLike = (),
        limit: int | None = None,
        skip: int = 0,
        **equal: object,
    ) -> Sequence[ReadModel]:
        named = self._names.model(model)
        return await super().find(named, criteria, order_by=order_by, limit=limit, skip=skip, **equal)

    @overload
    async def page(
        self,
        model: type[M],
        criteria: CriteriaLike = None,
        /,
        *,
        order_by: OrderLike = (),
        size: int = 50,
        cursor: str | None = None,
        **equal: object,
    ) -> Page[M]: ...
    @overload
    async def page(
        self,
        model: str,
        criteria: CriteriaLike = None,
        /,
        *,
        order_by: OrderLike = (),
        size: int = 50,
        cursor: str | None = None,
        **equal: object,
    ) -> Page[ReadModel]: ...
    async def page(
        self,
        model: type[ReadModel] | str,
        criteria: CriteriaLike = None,
        /,
        *,
        order_by: OrderLike = (),
        size: int = 50,
        cursor: str | None = None,
        **equal: object,
    ) -> Page[ReadModel]:
        named = self._names.model(model)
        return await super().page(named, criteria, order_by=order_by, size=size, cursor=cursor, **equal)

    @overload
    async def search(
        self, model: type[M], query: str | Mapping[str, object], fields: Sequence[str] | None = None, limit: int = 50
    ) -> list[M]: ...
    @overload
    async def search(
        self, model: str, query: str | Mapping[str, object], fields: Sequence[str] | None = None, limit: int = 50
    ) -> list[ReadModel]: ...
    async def search(
        self,
        model: type[ReadModel] | str,
        query: str | Mapping[str, object],
        fields: Sequence[str] | None = None,
        limit: int = 50,
    ) -> Sequence[ReadModel]:
        """As `Views.search`; or with `{"query": …, "fields": […], "limit": …}`."""
        named = self._names.model(model)
        if not isinstance(query, Mapping):
            return await super().search(named, query, fields, limit)
        if not {"query"} <= set(query) <= {"query", "fields", "limit"}:
            raise InvalidCriteria(f"a search takes query, fields and limit, got {shown(list(query))}")
        given = cast("Mapping[str, str]", query)
        return await super().search(
            named, given["query"], given.get("fields", fields), cast("int", query.get("limit", limit))
        )

    async def aggregate(self, model: type[ReadModel] | str, pipeline: PipelineLike, /) -> list[Mapping[str, object]]:
        return await super().aggregate(self._names.model(model), pipeline)

    async def count(self, model: type[ReadModel] | str, criteria: CriteriaLike = None, /, **equal: object) -> int:
        return await super().count(self._names.model(model), criteria, **equal)

    async def exists(self, model: type[ReadModel] | str, criteria: CriteriaLike = None, /, **equal: object) -> bool:
        return await super().exists(self._names.model(model), criteria, **equal)

    async def insert(
        self, row: ReadModel | type[ReadModel] | str, values: Mapping[str, object] | None = None, /
    ) -> None:
        """As `Views.insert`; or a model and its field values."""
        if isinstance(row, ReadModel) and values is None:
            await super().insert(row)
            return
        if isinstance(row, ReadModel) or not isinstance(values, Mapping):
            raise InvalidMessage("insert takes a row, or a read model and a mapping of field values")
        await super().insert(schema_of(self._names.model(row)).row(values))

    async def update(
        self,
        model: type[ReadModel] | str,
        key: object,
        values: Mapping[str, object] | None = None,
        /,
        **fields: object,
    ) -> None:
        """As `Views.update`; the key may be `{"id": key}`, the fields a mapping."""
        named = self._names.model(model)
        await super().update(named, key_in(named, key), **{**(values or {}), **fields})

    async def upsert(
        self,
        model: type[ReadModel] | str,
        key: object = NO_KEY,
        values: Mapping[str, object] | None = None,
        /,
        **fields: object,
    ) -> None:
        """As `Views.upsert`; the key may be `{"id": key}`, the fields a mapping."""
        check_upsert(model, key)
        named = self._names.model(model)
        await super().upsert(named, key_in(named, key), **{**(values or {}), **fields})

    async def delete(self, model: type[ReadModel] | str, key: object, /) -> None:
        """As `Views.delete`; the key may be `{"id": key}`."""
        named = self._names.model(model)
        await super().delete(named, key_in(named, key))

    async def add(self, model: type[ReadModel] | str, key: object, /, **deltas: object) -> None:
        named = self._names.model(model)
        await super().add(named, key_in(named, key), **deltas)

    async def max(self, model: type[ReadModel] | str, key: object, /, **bounds: object) -> None:
        named = self._names.model(model)
        await super().max(named, key_in(named, key), **bounds)

    async def min(self, model: type[ReadModel] | str, key: object, /, **bounds: object) -> None:
        named = self._names.model(model)
        await super().min(named, key_in(named, key), **bounds)
