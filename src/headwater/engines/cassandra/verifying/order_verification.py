"""Order verification: each row of a read model against the orders its table keeps, and their entries against the rows.

Of no class: what the store remembers of a table says enough.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple, TypeAlias, cast

import msgspec

from headwater.engines.cassandra.errors import is_misfit
from headwater.engines.cassandra.orders.order_rank import rank_of
from headwater.engines.cassandra.orders.order_table import physical_order, shard_of
from headwater.engines.cassandra.rows.sub_row import DIRECT
from headwater.engines.cassandra.rows.table import physical
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.together import all_of
from headwater.engines.sql.declaration import Declaration
from headwater.engines.sql.event_walk import wrong
from headwater.errors import StoreMismatch
from headwater.models.criteria import Order
from headwater.models.fields import Field, Kind, Scalar
from headwater.models.ordering import BoundOrder, bind_orders
from headwater.ports.admin import Finding

__all__ = ["OrderVerification"]

_PAGE: Final = 500

_SubRow: TypeAlias = tuple[Scalar, int, int, bool, str, int, int]
"""Key, part, replayed offset; whether it is there, what of it is null, its turn, when it was written; then the fields
of the order."""
_Entry: TypeAlias = tuple[int, bytes, int, int, Scalar, int]


class _Kept(NamedTuple):
    """One order of one table."""

    where: str
    rows: str
    """The start of a statement for sub-rows."""
    row: str
    """A condition that leads to one of them."""
    entries: str
    bound: Sequence[BoundOrder]

    def rank(self, sub_row: Sequence[object]) -> bytes | None:
        """Where it stands by what it says; None where it is deleted."""
        _, _, _, is_there, nulls, _, _, *cells = sub_row
        if not is_there:
            return None
        absent = str(nulls).split(",")
        return rank_of(
            self.bound,
            [
                None if order.field.name in absent else cast("Scalar", cell)
                for order, cell in zip(self.bound, cells, strict=True)
            ],
        )


class OrderVerification:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def steps(self) -> AsyncIterator[Sequence[Finding]]:
        """What is wrong with some hundred rows, or entries, at a time; tables that go meanwhile are passed."""
        for name, number, declaration, orders in await self._session.rows("list_read_models"):
            if declaration is None or orders is None:
                continue
            declared = msgspec.json.decode(str(declaration), type=Declaration)
            for order in msgspec.json.decode(str(orders), type=list[list[Order]]):
                kept = self._kept(str(name), cast("int", number), declared, order)
                try:
                    async for findings in self._order(kept):
                        yield findings
                except StoreMismatch as error:
                    if not is_misfit(error):
                        raise

    def _kept(self, name: str, number: int, declared: Declaration, order: Sequence[Order]) -> _Kept:
        fields = {
            field: Field(name=field, kind=Kind(column.kind), type=object, optional=column.optional, scale=column.scale)
            for field, column in declared.columns.items()
        }
        bound, space, key = bind_orders(order, fields, declared.key), self._session.keyspace, f'"{declared.key}"'
        columns = ", ".join(f'"{each.field.name}"' for each in bound)
        own = f'{key}, "_part", "_replayed", "_live", "_nulls", "_turn", WRITETIME("_live")'
        return _Kept(
            f"{name}, ordered by {', '.join(('-' if each.descending else '') + each.field for each in order)}",
            f'SELECT {own}, {columns} FROM {space}."{physical("rm", name, number)}"',
            f'WHERE {key} = ? AND "_part" = ? AND "_replayed" = ?',
            "SELECT shard, rank, part, replayed, key, WRITETIME(key) "
            f'FROM {space}."{physical_order(order, name, number)}"',
            bound,
        )

    async def _order(self, kept: _Kept) -> AsyncIterator[Sequence[Finding]]:
        async for rows in self._session.pages(kept.rows, page=_PAGE):
            listed = await all_of([self._is_listed(kept, cast("_SubRow", row)) for row in rows])
            yield [
                wrong(
                    "a row of a read model that a declared order does not list: rebuild it", f"{kept.where}: {row[0]}"
                )
                for row, is_listed in zip(rows, listed, strict=True)
                if not is_listed
            ]
        left_over = 0
        async for entries in self._session.pages(kept.entries, page=_PAGE):
            left_over += sum(await all_of([self._is_left_over(kept, cast("_Entry", entry)) for entry in entries]))
        if left_over:
            what = f"{left_over:,} entries of a declared order lead to no row: whoever reads them takes them away"
            yield [Finding(severity="warning", what=what, where=kept.where)]

    async def _is_listed(self, kept: _Kept, sub_row: _SubRow) -> bool:
        """Looked at again where it may have moved meanwhile."""
        if await self._has_entry(kept, sub_row):
            return True
        again = await self._session.row(f"{kept.rows} {kept.row}", *sub_row[:3])
        return again is None or again != tuple(sub_row) or await self._has_entry(kept, cast("_SubRow", again))

    async def _has_entry(self, kept: _Kept, sub_row: _SubRow) -> bool:
        key, part, replayed = sub_row[:3]
        rank = kept.rank(sub_row)
        place = "WHERE shard = ? AND rank = ? AND part = ? AND replayed = ?"
        return rank is None or bool(
            await self._session.row(f"{kept.entries} {place}", shard_of(key), rank, part, replayed)
        )

    async def _is_left_over(self, kept: _Kept, entry: _Entry) -> bool:
        _, rank, part, replayed, key, written_at = entry
        found = await self._session.row(f"{kept.rows} {kept.row}", key, part, replayed)
        if found is None or kept.rank(found) == rank:
            return False
        turn, written = cast("_SubRow", found)[5:7]
        return (turn if part == DIRECT else written) > written_at
