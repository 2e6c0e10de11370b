"""The fast way to load: a stream for its fold, proved by one pass over all its data."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import NamedTuple, TypeAlias, cast

import apsw
import msgspec

from headwater.engines.sql.checksum import SEPARATOR, chain_of, link
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.stored import PAGE, SHORT
from headwater.errors import StoreCorrupt
from headwater.ports.event_store import FoldRows

__all__ = ["Folds"]

_Page: TypeAlias = tuple[int | None, int, bytes, str, bytes]
"""Last version and its checksum; types and schemas with commas between, no type for a hidden event; data in lines."""
_Single: TypeAlias = tuple[int, int, str, int, str | None, bytes]
"""Version, checksum, type, schema, topic and data of one event."""
_Row: TypeAlias = tuple[str, int, bytes]

_integers = msgspec.json.Decoder(list[int]).decode


class _Start(NamedTuple):
    version: int
    chain: int


class Folds:
    """Reads streams for folding, on a reader's thread."""

    def __init__(self, sql: Statements) -> None:
        self._few = sql["fold_rows"]
        self._page = sql["fold_stream"]
        self._start = sql["read_fold_start"]

    def read(self, connection: apsw.Connection, stream: str, after: int) -> FoldRows:
        """Row by row where there are few, then page after page: events are never changed, so the last page's state
        is the state of all.
        """
        start = self._started(connection, stream, after) if after else _Start(0, 0)
        few = cast("list[_Single]", connection.execute(self._few, (stream, after, SHORT + 1)).fetchall())
        first = _folded(stream, few, start)
        if len(few) <= SHORT:
            return first
        return self._pages(connection, stream, first, chain_of(few[-1][1]))

    def _pages(self, connection: apsw.Connection, stream: str, first: FoldRows, chain: int) -> FoldRows:
        version = after = first.version
        rows = list(first.rows)
        while True:
            page = cast("_Page", connection.execute(self._page, (stream, after, PAGE)).get)
            last, checksum, *_ = page
            if last is None:
                return FoldRows(version, rows)
            chain = link(page[4], chain)
            if chain != chain_of(checksum):
                raise _corrupt(stream)
            rows += _visible(stream, page)
            if last - after < PAGE:
                return FoldRows(last, rows)
            version = after = last

    def _started(self, connection: apsw.Connection, stream: str, after: int) -> _Start:
        found = cast("tuple[int, int | None] | None", connection.execute(self._start, (stream, after)).get)
        if found is None:
            return _Start(0, 0)
        version, checksum = found
        if checksum is None and after <= version:
            raise _corrupt(stream)
        return _Start(version, chain_of(checksum or 0))


def _folded(stream: str, few: list[_Single], start: _Start) -> FoldRows:
    """The rows of a short stream, or of the end of a long one, proved by its last checksum."""
    version, chain = start
    checksum = chain
    rows: list[_Row] = []
    for version, checksum, type, schema, topic, data in few:  # noqa: B007  # the last of each is used below
        chain = link(data, chain)
        if topic is None:
            rows.append((type, schema, data))
    if chain != chain_of(checksum):
        raise _corrupt(stream)
    return FoldRows(version, rows)


def _visible(stream: str, page: _Page) -> list[_Row]:
    """Type, schema and data of the events that are not hidden."""
    _, _, types, schemas, data = page
    try:
        names = types.decode().split(",")
        rows = list(zip(names, _integers(f"[{schemas}]"), data.split(SEPARATOR), strict=True))
    except (ValueError, msgspec.DecodeError) as error:
        raise _corrupt(stream) from error
    return [row for row in rows if row[0]] if "" in names else rows


def _corrupt(stream: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"the events of stream {stream!r} do not match their checksum: run `headwater verify` and restore from a backup"
    )
