"""ReadModelSchema: tables for the generations of read models that are served."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.engines.cassandra.rows.catalogue import Catalogue
from headwater.engines.cassandra.rows.read_model_tables import ReadModelTables
from headwater.engines.cassandra.rows.served import Served
from headwater.engines.cassandra.rows.table import Table, table_of, unknown
from headwater.engines.cassandra.session import Session
from headwater.models.criteria import Order
from headwater.models.model import ReadModel

__all__ = ["CassandraReadModelSchema"]


class CassandraReadModelSchema:
    """A table keeps the orders that are known before its first row is written. Of each order the first field has an
    index, too."""

    def __init__(self, session: Session, tables: ReadModelTables, catalogue: Catalogue, served: Served) -> None:
        self._session = session
        self._tables = tables
        self._catalogue = catalogue
        self._served = served

    async def ensure(self, models: Sequence[type[ReadModel]]) -> None:
        await self._tables.ensure([await self._table(model) for model in dict.fromkeys(models)])

    async def index(self, model: type[ReadModel], orders: Sequence[tuple[Order, ...]]) -> None:
        table = await self._table(model)
        if await self._catalogue.find(table) is None:
            raise unknown(model)
        await self._catalogue.note_indexed(table.schema.table, orders)
        await self._tables.ensure([table])

    async def _table(self, model: type[ReadModel]) -> Table:
        return table_of(self._session.keyspace, model, await self._served(model))
