"""Log table: the requests of the protocol about the log and what follows from it, as statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from headwater.engines.cassandra.protocol.replies import APPLIED, Answer, NotApplied
from headwater.engines.cassandra.protocol.requests import (
    AppendLog,
    ReadBucketSerially,
    ReadCounts,
    ReadSettled,
    WriteCommand,
    WriteCount,
    WriteNames,
    WriteSettled,
)
from headwater.engines.cassandra.protocol.rows import Bucket, Count, Logged
from headwater.engines.cassandra.session import Session, Step
from headwater.engines.cassandra.tables.event_rows import columns_of

__all__ = ["LogTable"]


class LogTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def read_settled(self, request: ReadSettled) -> int | None:
        row = await self._session.row("read_settled", request.part)
        return None if row is None else cast("int | None", row[0])

    async def write_settled(self, request: WriteSettled) -> bool:
        await self._session.write(("write_settled", (request.timestamp, request.offset, request.part)))
        return True

    async def read_bucket_serially(self, request: ReadBucketSerially) -> Bucket:
        """The head first: every row up to it is in what is read after it."""
        bucket = request.part, request.bucket
        head = await self._session.row("read_log_head", *bucket, serially=True)
        if head is None or head[0] is None:
            return Bucket(None, None, ())
        offset, time = cast("tuple[int, int]", head)
        if offset <= request.after:
            return Bucket(offset, time, ())
        found = await self._session.rows("read_log_places", *bucket, request.after, serially=True)
        rows = [Logged(*row[:4], row[4] or None) for row in cast("list[tuple[int, str, int, int, str]]", found)]
        return Bucket(offset, time, tuple([row for row in rows if row.offset <= offset]))

    async def append_log(self, request: AppendLog) -> Answer[int | None]:
        bucket, last = (request.part, request.bucket), request.rows[-1]
        head: Step = "move_log_head", (last.offset, last.log_time, *bucket, request.head)
        rows: list[Step] = [
            ("insert_log_row", (*bucket, row.offset, row.log_time, row.stream, row.chunk, *columns_of(row.row)))
            for row in request.rows
        ]
        refusal = await self._session.compare_and_set(head, *rows)
        return APPLIED if refusal is None else NotApplied(cast("int | None", refusal.found.get("head")))

    # -- what follows from the log ---------------------------------------------------

    async def read_counts(self, request: ReadCounts) -> Mapping[str, Count]:
        rows = cast("list[tuple[str, int, int]]", await self._session.rows("read_counts", request.part))
        return {category: Count(streams, offset) for category, streams, offset in rows}

    async def write_count(self, request: WriteCount) -> bool:
        row = request.timestamp, request.streams, request.offset, request.part, request.category
        await self._session.write(("write_count", row))
        return True

    async def write_names(self, request: WriteNames) -> bool:
        place = request.part, request.category
        await self._session.write(*[("write_name", (*place, stream, request.timestamp)) for stream in request.streams])
        return True

    async def write_command(self, request: WriteCommand) -> bool:
        row = request.command, request.part, request.offset, request.timestamp
        await self._session.write(("write_command_place", row))
        return True
