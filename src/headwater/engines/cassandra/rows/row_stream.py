"""Row stream: the rows of a table, merged, page by page; all of them by ranges of the ring, or those of some keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from itertools import groupby, islice
from operator import itemgetter
from typing import Final, NamedTuple, cast

from headwater.engines.cassandra.rows.cells import is_short_key
from headwater.engines.cassandra.rows.sub_row_cells import merged_scalars
from headwater.engines.cassandra.rows.table import Table
from headwater.engines.cassandra.session import Row, Session
from headwater.models.evaluate import Row as Scalars
from headwater.models.fields import Scalar

__all__ = ["PAGE", "Page", "all_rows", "rows_of"]

PAGE: Final = 5_000
"""Sub-rows of one answer."""
_LAST_TOKEN: Final = 2**63 - 1
_RANGES: Final = 32
_READERS: Final = 4
"""Ranges that are read at once."""
_AHEAD: Final = 8
"""Pages that wait to be looked at."""
_KEYS: Final = 50
"""Of one request."""
_REQUESTS: Final = 16


class Page(NamedTuple):
    looked_at: int
    """Keys, those of deleted rows, too."""
    rows: Sequence[Scalars]


async def all_rows(session: Session, table: Table) -> AsyncGenerator[Page, None]:
    """Every row, in no order: one page where they are few, else what follows by ranges, several at a time."""
    async with aclosing(session.pages(table.get_all, page=PAGE)) as pages:
        first = await anext(pages)
        if (second := await anext(pages, None)) is None:
            yield _merged(table, first)
            return
    last = cast("int", second[-1][-1] if second else first[-1][-1])
    whole = [row for row in (*first, *second) if cast("int", row[-1]) < last]
    yield _merged(table, whole)
    async with aclosing(_ranges(session, table, last)) as ranges:
        async for page in ranges:
            yield page


async def rows_of(session: Session, table: Table, keys: Iterable[Scalar]) -> AsyncGenerator[Page, None]:
    """The rows of these keys that are there, in no order."""
    waiting = filter(is_short_key, keys)

    async def read(some: Sequence[Scalar]) -> Page:
        return _merged(table, await session.rows(table.get_many, list(some)))

    while batch := list(islice(waiting, _KEYS * _REQUESTS)):
        requests = [batch[start : start + _KEYS] for start in range(0, len(batch), _KEYS)]
        for found in await asyncio.gather(*map(read, requests)):
            yield found


async def _ranges(session: Session, table: Table, start: int) -> AsyncGenerator[Page, None]:
    """From a token on."""
    pages, room = asyncio.Queue[Page | None](), asyncio.Semaphore(_AHEAD)
    waiting = iter(_split(start))

    async def read() -> None:
        for low, high in waiting:
            held: list[Row] = []
            async for page in session.pages(table.get_range, low, high, page=PAGE):
                await room.acquire()
                rows = [*held, *page]
                held = _of_last_key(table, rows)
                pages.put_nowait(_merged(table, rows[: len(rows) - len(held)]))
            await room.acquire()
            pages.put_nowait(_merged(table, held))

    async def read_all() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(_READERS):
                group.create_task(read())

    reading = asyncio.create_task(read_all(), name="headwater-streaming")
    reading.add_done_callback(lambda _: pages.put_nowait(None))
    try:
        while (page := await pages.get()) is not None:
            room.release()
            yield page
        await reading
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def _split(start: int) -> Iterable[tuple[int, int]]:
    step = (_LAST_TOKEN - start) // _RANGES + 1
    for low in range(start, _LAST_TOKEN + 1, step):
        yield low, min(low + step - 1, _LAST_TOKEN)


def _of_last_key(table: Table, rows: Sequence[Row]) -> list[Row]:
    """The sub-rows that the next page may have more of."""
    at = len(rows)
    while at and rows[at - 1][table.key_place] == rows[-1][table.key_place]:
        at -= 1
    return list(rows[at:])


def _merged(table: Table, rows: Iterable[Row]) -> Page:
    by_key = groupby(rows, key=itemgetter(table.key_place))
    found = [merged_scalars(table, list(sub_rows)) for _, sub_rows in by_key]
    return Page(len(found), [row for row in found if row is not None])
