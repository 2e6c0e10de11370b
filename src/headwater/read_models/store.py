"""ReadModelStore: the read models of one store, by class or by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Self, TypeAlias

from headwater.errors import BadDeclaration
from headwater.limits import Limits
from headwater.models.criteria import Order
from headwater.models.model import ReadModel, schema_of
from headwater.models.ordering import OrderLike
from headwater.ports.clock import Clock, SystemClock
from headwater.ports.engine import Engine, Identity
from headwater.ports.read_model_schema import ReadModelSchema
from headwater.ports.read_models import ReadModels
from headwater.read_models.caching import CachingLike, row_cache, row_caching, write_behind
from headwater.read_models.change_watch import ChangeWatch
from headwater.read_models.named_views import NamedViews
from headwater.read_models.names import ModelNames
from headwater.read_models.views import Views
from headwater.read_models.writing import RowWriter

__all__ = ["ReadModelStore"]

Indexing: TypeAlias = Mapping[str, Sequence[OrderLike]]
"""Orders to keep ready, by the name of their model: `{"user_read_model": ["email", ("status", "-created_at")]}`."""


class ReadModelStore(NamedViews):
    """Views by class, table or class name, with rows and criteria as mappings; and indexes and caching for them.

    `async with store:` (or `initialize` and `close`) makes tables and indexes, and flushes what is written behind.
    """

    def __init__(
        self,
        reader: ReadModels,
        writer: RowWriter,
        schema: ReadModelSchema,
        models: Iterable[type[ReadModel]],
        *,
        identity: Identity,
        owned: Collection[type[ReadModel]] = (),
        limits: Limits | None = None,
        indexing: Indexing | None = None,
        denormalization: bool | Indexing = False,
        caching: CachingLike = None,
        clock: Clock | None = None,
        watch: ChangeWatch | None = None,
    ) -> None:
        """`watch` tells of changes in the store; `close` closes it. Without one, caching knows nothing of other
        processes but its ttl.

        `indexing` and `denormalization` add indexes to declared ones, by model: a field or several for each.

        `denormalization=True` insists that a model declares `orders=`, for which the engine keeps rows sorted.

        Raises BadDeclaration, DuplicateName, UnknownName.
        """
        options = row_caching(caching)
        self._names = ModelNames(models)
        self._schema = schema
        self._orders = [*self._added(indexing or {}), *self._denormalized(denormalization)]
        self.watch = watch
        self._buffer = write_behind(options, reader, writer, watch)
        source = self._buffer or reader
        self.cache = row_cache(options, source, self._buffer or writer, clock or SystemClock(), watch)
        """Counts `hits` and `misses`; None without caching. Tell it by `forget` what projections commit."""
        super().__init__(
            self.cache or source,
            self.cache or self._buffer or writer,
            identity=identity,
            owned=owned,
            limits=limits,
            source=source,
        )

    @classmethod
    def over(
        cls,
        engine: Engine,
        identity: Identity,
        models: Iterable[type[ReadModel]],
        *,
        owned: Collection[type[ReadModel]] = (),
        limits: Limits | None = None,
        indexing: Indexing | None = None,
        denormalization: bool | Indexing = False,
        caching: CachingLike = None,
        clock: Clock | None = None,
    ) -> Self:
        """The store over an engine that is open; `identity` is what `open` returned."""
        return cls(
            engine.read_models,
            engine.projections,
            engine.read_model_schema,
            models,
            identity=identity,
            owned=owned,
            limits=limits,
            indexing=indexing,
            denormalization=denormalization,
            caching=caching,
            clock=clock,
            watch=ChangeWatch(engine.wakeups),
        )

    def declare(self, *models: type[ReadModel]) -> None:
        """More read models, before `initialize`."""
        self._names.add(*models)

    def typed(self) -> Views:
        """The same rows by class alone: what handlers get for `Views`, without the look at names."""
        return Views(
            self._cached,
            self._writer,
            identity=self._identity,
            owned=self._owned,
            limits=self._limits,
            source=self._source,
        )

    async def initialize(self, unfit: Collection[type[ReadModel]] = ()) -> None:
        """Make tables and indexes. Raises StoreMismatch where a table differs from its class.

        Tables of read models that are `unfit` stay as they are, until a projection serves others in their place.
        """
        await self._schema.ensure([model for model in self._names.models if model not in unfit])
        for model, orders in self._orders:
            if model not in unfit:
                await self._schema.index(model, orders)
        if self._buffer is not None:
            self._buffer.start()

    async def close(self) -> None:
        """Let go of what is cached, and flush what is written behind. Raises StoreError if the store cannot take it."""
        if self.watch is not None:
            await self.watch.close()
        if self._buffer is not None:
            await self._buffer.stop()

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _added(self, indexing: Indexing) -> list[tuple[type[ReadModel], list[tuple[Order, ...]]]]:
        models = {self._names.model(name): orders for name, orders in indexing.items()}
        return [(model, [schema_of(model).order(order) for order in orders]) for model, orders in models.items()]

    def _denormalized(self, denormalization: bool | Indexing) -> list[tuple[type[ReadModel], list[tuple[Order, ...]]]]:
        if not isinstance(denormalization, bool):
            return self._added(denormalization)
        if denormalization and not any(schema_of(model).orders for model in self._names.models):
            raise BadDeclaration("denormalization=True needs a read model that declares orders=[...], none does")
        return []
