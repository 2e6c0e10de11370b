"""ReadModels: reads of rows by the reference evaluation, which indexes and keys narrow where they can.

A call reads each row as it is at one moment, but not all rows at the same one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from typing import Final, TypeVar, cast

from headwater.engines.cassandra.errors import is_misfit
from headwater.engines.cassandra.orders.ordered_rows import OrderedRows
from headwater.engines.cassandra.rows.catalogue import Catalogue
from headwater.engines.cassandra.rows.cells import is_short_key
from headwater.engines.cassandra.rows.found_rows import FoundRows
from headwater.engines.cassandra.rows.pipeline_reads import aggregated
from headwater.engines.cassandra.rows.row_stream import rows_of
from headwater.engines.cassandra.rows.search_words import keys_of_word, longest
from headwater.engines.cassandra.rows.served import Served, nothing
from headwater.engines.cassandra.rows.sub_row_cells import merged_scalars
from headwater.engines.cassandra.rows.table import Table, table_of, unknown
from headwater.engines.cassandra.session import Session
from headwater.errors import StoreMismatch
from headwater.models.binding import BoundCriteria, bind
from headwater.models.criteria import Criteria
from headwater.models.evaluate import Row as Scalars
from headwater.models.evaluate import finds, ordered
from headwater.models.model import ReadModel, schema_of
from headwater.models.ordering import BoundOrder, bind_orders
from headwater.models.pipeline import Pipeline
from headwater.models.pipeline_binding import bind_pipeline, output
from headwater.models.selection import Selection, bind_selection

__all__ = ["CassandraReadModels"]

M = TypeVar("M", bound=ReadModel)
T = TypeVar("T")

_MOST: Final = 1_000_000
"""Rows that are looked at for one answer."""
_AHEAD: Final = 1_000
"""Rows kept above those that are wanted, before they are put in order."""
_KEYS: Final = 500
"""Of the rows that are read at once for a search."""


class CassandraReadModels:
    """Of the generations that are served, or of those that `served` says."""

    def __init__(
        self,
        session: Session,
        catalogue: Catalogue,
        served: Served,
        forget: Callable[[], None] = nothing,
        most: int = _MOST,
    ) -> None:
        """`forget` has the next answer of `served` be new."""
        self._session = session
        self._catalogue = catalogue
        self._served = served
        self._forget = forget
        self._found = FoundRows(session, catalogue, most)
        self._ordered = OrderedRows(session, catalogue)

    async def get(self, model: type[M], key: object) -> M | None:
        scalar = schema_of(model).key_scalar(key)

        async def read(table: Table) -> M | None:
            rows = await self._session.rows(table.get, scalar) if is_short_key(scalar) else []
            found = merged_scalars(table, rows) if rows else None
            return None if found is None else cast("M", table.schema.to_row(found))

        return await self._read(model, read)

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        schema = schema_of(model)
        bound = bind_selection(selection, schema)
        end = None if bound.limit is None else bound.skip + bound.limit

        async def read(table: Table) -> list[M]:
            found = await self._first(table, bound.criteria, bound.order, end)
            return [cast("M", schema.to_row(row)) for row in found[bound.skip : end]]

        return await self._read(model, read)

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        bound = bind(criteria, schema_of(model).fields)

        async def read(table: Table) -> int:
            return sum([len(page) async for page in self._found.matching(table, bound)])

        return await self._read(model, read)

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        schema = schema_of(model)
        places = [schema.names.index(name) for name in schema.searchable(fields)]
        by_key = bind_orders((), schema.fields, schema.key)

        async def read(table: Table) -> list[M]:
            keys = await keys_of_word(self._session, table, longest(tokens), self._found.most)
            wanted, waiting = list[Scalars](), iter(sorted(cast("set[str]", keys)))
            while len(wanted) < limit and (some := list(islice(waiting, _KEYS))):
                found = [row async for page in rows_of(self._session, table, some) for row in page.rows]
                meant = [row for row in found if finds(tokens, [row[place] for place in places])]
                wanted += ordered(meant, by_key, schema.fields)
            return [cast("M", schema.to_row(row)) for row in wanted[:limit]]

        return await self._read(model, read) if tokens else []

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        bound = bind_pipeline(pipeline, schema_of(model))

        async def read(table: Table) -> list[Mapping[str, object]]:
            return list(map(output(bound.columns), await aggregated(self._found, table, bound)))

        return await self._read(model, read)

    async def _first(
        self, table: Table, criteria: BoundCriteria, order: Sequence[BoundOrder], end: int | None
    ) -> list[Scalars]:
        """Those that are meant, in order; where an end is given, not many more of them are kept."""
        if end is not None:
            indexed = frozenset(self._found.indexed(table))
            if (found := await self._ordered.first(table, criteria, order, end, indexed)) is not None:
                return found
        kept, fields = list[Scalars](), table.schema.fields
        async for page in self._found.matching(table, criteria, () if end is None else order):
            kept += page
            if end is not None and len(kept) > 2 * end + _AHEAD:
                kept = ordered(kept, order, fields)[:end]
        return ordered(kept, order, fields)

    async def _read(self, model: type[ReadModel], read: Callable[[Table], Awaitable[T]]) -> T:
        """Once more where the table has gone meanwhile; raises UnknownName where there is none."""
        table = await self._table(model)
        try:
            return await read(table)
        except StoreMismatch as error:
            if not is_misfit(error):
                raise
            self._session.forget(table.name)
            self._forget()
            table = await self._table(model)
            if await self._catalogue.find(table) is None:
                raise unknown(model) from error
        return await read(table)

    async def _table(self, model: type[ReadModel]) -> Table:
        return table_of(self._session.keyspace, model, await self._served(model))
