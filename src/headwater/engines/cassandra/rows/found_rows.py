"""Found rows: those that criteria mean, by keys and indexes where these lead to them, else by a look at every row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from functools import partial
from typing import NoReturn

from headwater.engines.cassandra.errors import is_misfit
from headwater.engines.cassandra.orders.order_span import equals
from headwater.engines.cassandra.rows.catalogue import Catalogue
from headwater.engines.cassandra.rows.cells import defaults
from headwater.engines.cassandra.rows.narrowing import Keys, Lookup, Way, fields_in, unsure_of, ways
from headwater.engines.cassandra.rows.read_model_tables import declared_indexes
from headwater.engines.cassandra.rows.row_stream import Page, all_rows, rows_of
from headwater.engines.cassandra.rows.table import Table
from headwater.engines.cassandra.session import Session
from headwater.errors import InvalidCriteria, StoreMismatch, StoreUnavailable
from headwater.models.binding import BoundCriteria
from headwater.models.evaluate import Row, matcher
from headwater.models.fields import Scalar
from headwater.models.ordering import BoundOrder

__all__ = ["FoundRows"]


class FoundRows:
    """Looks at no more than `most` rows for one answer."""

    def __init__(self, session: Session, catalogue: Catalogue, most: int) -> None:
        self._session = session
        self._catalogue = catalogue
        self.most = most

    async def matching(
        self, table: Table, criteria: BoundCriteria, order: Sequence[BoundOrder] = ()
    ) -> AsyncGenerator[list[Row], None]:
        """In no order; raises InvalidCriteria where that takes a look at too many rows.

        `order` is the one of which the first rows are wanted: it could be declared.
        """
        is_meant, looked_at = matcher(criteria, table.schema.fields), 0
        refuse = partial(self._refuse, table, criteria, order)
        async with aclosing(await self._candidates(table, criteria, refuse)) as pages:
            async for page in pages:
                looked_at += page.looked_at
                if looked_at > self.most:
                    refuse()
                yield [row for row in page.rows if is_meant(row)]

    def _refuse(self, table: Table, criteria: BoundCriteria, order: Sequence[BoundOrder]) -> NoReturn:
        """Raises InvalidCriteria that says what to declare."""
        name = table.schema.model.__name__
        asked = sorted(fields_in(criteria) - {table.schema.key})
        advice = f"declare {' or '.join(asked)} as Indexed" if asked else "ask for a field that is Indexed"
        if wanted := self._order_to_declare(table, criteria, order):
            advice = f"declare orders=[{wanted!r}], which a table keeps that is empty then, as after a rebuild"
        raise InvalidCriteria(
            f"this takes a look at more than {self.most:,} rows of {name}: {advice}, or have a read model for it "
            "that is smaller"
        )

    def _order_to_declare(
        self, table: Table, criteria: BoundCriteria, order: Sequence[BoundOrder]
    ) -> tuple[str, ...] | None:
        """The one that would lead to what is wanted; None for the key's, and where a field is merged."""
        given = {each.field.name for each in order}
        narrowed = sorted(equals(criteria).keys() - given)
        wanted = [("-" if each.descending else "") + each.field.name for each in order[:-1]]
        is_merged = self._catalogue.accumulated_here(table) & {*narrowed, *given}
        return (*narrowed, *wanted) if wanted and not is_merged else None

    def indexed(self, table: Table) -> set[str]:
        """Fields whose index can be asked, as far as this object knows."""
        fields = declared_indexes(table, self._catalogue.indexed_here(table.schema.table))
        return {field.name for field in fields} - self._catalogue.accumulated_here(table)

    async def _candidates(
        self, table: Table, criteria: BoundCriteria, refuse: Callable[[], NoReturn]
    ) -> AsyncGenerator[Page, None]:
        indexed = self.indexed(table)
        while used := ways(criteria, table.schema.key, indexed):
            keys = await self._keys(table, used, refuse)
            if keys is None:
                break
            unsure = await self._unsure(table, [way for way in used if isinstance(way, Lookup)])
            if not unsure:
                return rows_of(self._session, table, keys)
            indexed -= unsure
        return all_rows(self._session, table) if used != [] else rows_of(self._session, table, ())

    async def _keys(self, table: Table, used: Sequence[Way], refuse: Callable[[], NoReturn]) -> Iterable[Scalar] | None:
        """Those that the ways lead to; None where an index is not there."""
        keys = dict.fromkeys([key for way in used if isinstance(way, Keys) for key in way.keys])
        lookups = [way for way in used if isinstance(way, Lookup)]
        try:
            for found in await asyncio.gather(*[self._look_up(table, lookup, refuse) for lookup in lookups]):
                keys.update(found)
        except StoreMismatch as error:
            if not is_misfit(error):
                raise
            return None
        except StoreUnavailable:
            return None  # an index that is still being built fails; whoever is away fails again
        return keys

    async def _look_up(self, table: Table, lookup: Lookup, refuse: Callable[[], NoReturn]) -> dict[Scalar, None]:
        text, parameters = lookup.question(table)
        keys: dict[Scalar, None] = {}
        async with aclosing(self._session.pages(text, *parameters)) as pages:
            async for page in pages:
                keys.update(dict.fromkeys([key for (key,) in page]))  # type: ignore[misc]  # of the key's type
                if len(keys) > self.most:
                    refuse()
        return keys

    async def _unsure(self, table: Table, lookups: Sequence[Lookup]) -> set[str]:
        """Fields whose index does not know all. Asked after the index was: what came since was noted before."""
        looked_up = {each.field.name for lookup in lookups for each in lookup.conditions}
        known = await self._catalogue.find(table) if lookups else None
        if known is None:
            return looked_up
        added = {name: scalar for name, scalar in defaults(table.schema).items() if name in known.added}
        return (looked_up & known.accumulated) | unsure_of(lookups, table.schema.fields, added)
