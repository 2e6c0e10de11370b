"""Rows: the read models' rows, written so that the same changes written again, in whatever pages, are the same cells.

Every change is written with the time of its event in the log: what a process that lost its lease writes late is older
than what is there, and whoever tries again finds in each row which events it has.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from headwater.engines.cassandra.errors import is_out_of_reach
from headwater.engines.cassandra.orders.order_entries import EntrySteps, entry_steps
from headwater.engines.cassandra.orders.order_table import OrderTable
from headwater.engines.cassandra.rows.asking import asked
from headwater.engines.cassandra.rows.catalogue import Catalogue
from headwater.engines.cassandra.rows.read_model_tables import ReadModelTables
from headwater.engines.cassandra.rows.row_work import Placed, RowWork
from headwater.engines.cassandra.rows.served import Served, nothing
from headwater.engines.cassandra.rows.sub_row import DIRECT
from headwater.engines.cassandra.rows.sub_row_cells import sub_row_of
from headwater.engines.cassandra.rows.table import Table, table_of
from headwater.engines.cassandra.session import Session, Step
from headwater.errors import StoreBusy, StoreError, StoreUnavailable, UnknownName
from headwater.models.changes import Change
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel
from headwater.ports.clock import Clock

__all__ = ["Placed", "Rows", "RowsPlan"]

T = TypeVar("T")

_TRIES: Final = 20
"""Times that a direct write begins again because somebody else wrote the row."""
_SENT: Final = 3
"""Times that a write is sent before it is given up."""
_AT_ONCE: Final = 128
_ATTEMPT_BITS: Final = 63


class RowsPlan(NamedTuple):
    """Rows as they were read, and what is to be written of them."""

    works: Sequence[RowWork]
    written: Sequence[tuple[Table, Sequence[Step]]]
    entries: Sequence[EntrySteps]
    """In the orders, of each row."""


class Rows:
    def __init__(
        self,
        session: Session,
        tables: ReadModelTables,
        catalogue: Catalogue,
        served: Served,
        clock: Clock,
        forget: Callable[[], None] = nothing,
    ) -> None:
        """`forget` has the next answer of `served` be new."""
        self._session = session
        self._tables = tables
        self._catalogue = catalogue
        self._served = served
        self._clock = clock
        self._forget = forget

    async def ensure(self, models: Iterable[type[ReadModel]], number: int) -> None:
        """Tables for a generation. Raises StoreMismatch for one that does not fit, or is no read model's."""
        await self._tables.ensure([self._table(model, number) for model in dict.fromkeys(models)])

    async def drop(self, tables: Iterable[str], number: int) -> None:
        """The tables of a generation, by the names of their models' tables; those that are not there are passed."""
        for name in tables:
            await self._tables.drop(name, number)

    async def plan(self, changes: Sequence[Placed], number: int, part: int, generation: int = 0) -> RowsPlan:
        """What a part of a projection makes of a generation's rows, in order, to be written; nothing is yet.

        `part` is what has a checkpoint of its own, from 0. Changes of events that a row has already change nothing;
        those of one event are handed in together. `generation` counts how often rows of the part were
        begun anew: what was written before has the older time.

        Raises InvalidMessage, UnknownName for a model without a table, StoreError.
        """
        works = self._works(changes, number, part)
        orders = await self._orders(works)
        await _together(self._read(work) for work in works)
        for work in works:
            work.apply(generation)
        written = [(work.table, [(work.table.write, values) for values in work.parameters()]) for work in works]
        entries = [entry_steps(work, orders[work.table]) for work in works]
        return RowsPlan(works, [each for each in written if each[1]], entries)

    async def write(self, plan: RowsPlan) -> None:
        """What was planned, however late: what has been written since is younger. Raises StoreError, UnknownName."""
        await self._prepare(plan.works, plan.entries)
        await _together(self._write_row(table, steps) for table, steps in plan.written)
        await _together(
            self._write_row(work.table, [step])
            for work, each in zip(plan.works, plan.entries, strict=True)
            for step in each.then
        )

    async def write_direct(self, changes: Sequence[Change]) -> None:
        """Changes that no projection makes, in order, to what is served: nothing where one does not fit.

        Each row is compared and set. Raises InvalidMessage, UnknownName, StoreBusy, StoreError, UnknownName.
        """
        try:
            await self._write_all_directly(changes)
        except UnknownName:
            self._forget()  # a table may have taken its place
            await self._write_all_directly(changes)

    async def _write_all_directly(self, changes: Sequence[Change]) -> None:
        works: list[RowWork] = []
        for model in dict.fromkeys([change.model for change in changes]):
            placed = [Placed(change=change, offset=0, log_time=0) for change in changes if change.model is model]
            works += self._works(placed, await self._served(model), DIRECT)
        orders = await self._orders(works)
        entries = await _together(self._begin_directly(work, orders[work.table]) for work in works)
        await self._prepare(works, entries)
        await _together(
            self._write_directly(work, each, orders[work.table]) for work, each in zip(works, entries, strict=True)
        )

    # -- what is there ---------------------------------------------------------------

    def _table(self, model: type[ReadModel], number: int) -> Table:
        return table_of(self._session.keyspace, model, number)

    def _works(self, changes: Iterable[Placed], number: int, part: int) -> list[RowWork]:
        """By row, each with its changes in order; raises InvalidMessage for a key that does not fit."""
        works: dict[tuple[type[ReadModel], Scalar], RowWork] = {}
        for placed in changes:
            model, table = placed.change.model, self._table(placed.change.model, number)
            key = table.schema.key_scalar(placed.change.key)
            works.setdefault((model, key), RowWork(table, key, part)).changes.append(placed)
        return list(works.values())

    async def _orders(self, works: Iterable[RowWork]) -> Mapping[Table, Sequence[OrderTable]]:
        """Those that the tables keep, and will keep; asked before any row is read."""
        return {table: await self._catalogue.orders.for_writing(table) for table in {work.table for work in works}}

    async def _read(self, work: RowWork) -> None:
        """Begin with what is there."""
        table = work.table
        rows = await asked(self._session, self._catalogue, table, lambda: self._session.rows(table.get, work.key))
        work.begin([sub_row_of(table, row) for row in rows])

    # -- writing ---------------------------------------------------------------------

    async def _prepare(self, works: Sequence[RowWork], entries: Sequence[EntrySteps]) -> None:
        """What leads to the rows, before they are there; and what must be merged."""
        fields: dict[Table, set[str]] = {}
        words: set[tuple[Table, str, str, Scalar]] = set()
        for work in works:
            if work.part != DIRECT:
                fields.setdefault(work.table, set()).update(work.accumulated)
            words.update([(work.table, prefix, word, work.key) for prefix, word in work.words])
        for table, names in fields.items():
            await self._catalogue.note_accumulated(table, names)
        steps: list[tuple[Table, Step]] = [(table, (table.write_word, all)) for table, *all in words]
        for work, each in zip(works, entries, strict=True):
            steps += [(work.table, step) for step in each.first]
        await _together(self._write_row(table, [step]) for table, step in steps)

    async def _write_row(self, table: Table, steps: Sequence[Step]) -> None:
        await asked(self._session, self._catalogue, table, lambda: self._write(steps))

    async def _write(self, steps: Sequence[Step]) -> None:
        """Once more where no answer comes: it is the same again."""
        for tries_left in reversed(range(_SENT)):
            try:
                await self._session.write(*steps)
            except StoreError as error:
                if not tries_left or not is_out_of_reach(error):
                    raise
            else:
                return

    async def _begin_directly(self, work: RowWork, orders: Iterable[OrderTable]) -> EntrySteps:
        await self._read(work)
        work.apply_directly(self._clock.micros(), secrets.randbits(_ATTEMPT_BITS))
        work.parameters()  # what does not fit is refused before anything is written
        return entry_steps(work, orders)

    async def _write_directly(self, work: RowWork, entries: EntrySteps, orders: Iterable[OrderTable]) -> None:
        for _ in range(_TRIES):
            written = work.parameters()
            if not written:
                return
            if await self._is_written(work, written[0] | {"was": work.was}):
                await _together(self._write([step]) for step in entries.then)
                return
            entries = await self._begin_directly(work, orders)
            await self._prepare([work], [entries])
        raise StoreBusy(f"a row of {work.table.schema.model.__name__} is written by too many at once: try again")

    async def _is_written(self, work: RowWork, values: Mapping[str, object]) -> bool:
        """False where another was faster. An answer that did not come is looked for in the row."""
        try:
            return await self._session.compare_and_set((work.table.write_if, values)) is None
        except StoreError as error:
            if not is_out_of_reach(error):
                raise
            failure = error
        rows = await self._session.rows(work.table.get, work.key, serially=True)
        there = next((each for each in (sub_row_of(work.table, row) for row in rows) if each.part == DIRECT), None)
        if there is not None and there.included == values["included"]:
            return True
        if (None if there is None else there.turn) == work.was:
            return False
        raise StoreUnavailable(
            f"no answer came to a write of {work.table.schema.model.__name__} {work.key!r}, and another has followed: "
            "whether the first was made cannot be said; read it before you write again"
        ) from failure


async def _together(all: Iterable[Awaitable[T]]) -> list[T]:
    """Some at a time, so that others come in between; after an error those that have begun come to their end."""
    waiting, results = iter(all), list[T]()
    while some := list(islice(waiting, _AT_ONCE)):
        for found in await asyncio.gather(*some, return_exceptions=True):
            if isinstance(found, BaseException):
                raise found
            results.append(found)
    return results
