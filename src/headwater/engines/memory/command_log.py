"""CommandLog: records by id, in the order they were kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import islice

import msgspec

from headwater.domain.append import CommandRecord
from headwater.domain.free_text import told
from headwater.domain.version import check_count
from headwater.engines.memory.state import Part
from headwater.errors import InvalidVersion

__all__ = ["MemoryCommandLog"]


class MemoryCommandLog(Part):
    async def find(self, command_id: str) -> CommandRecord | None:
        return self._state.commands.get(command_id)

    async def record(self, record: CommandRecord) -> None:
        state = self._state
        kept = state.commands.get(record.id)
        if kept is not None and kept.error is None:
            return
        state.commands.pop(record.id, None)
        error = record.error and told(record.error)
        state.commands[record.id] = msgspec.structs.replace(record, error=error, timestamp=state.now())
        state.committed()

    async def list(self, limit: int, name: str | None = None, refused: bool | None = None) -> Sequence[CommandRecord]:
        check_count(limit, "limit")
        wanted = (
            record
            for record in reversed(self._state.commands.values())
            if name in (None, record.name) and refused in (None, record.error is not None)
        )
        return list(islice(wanted, limit))

    async def all(self, page: int = 1_000) -> AsyncIterator[Sequence[CommandRecord]]:
        if check_count(page, "page") == 0:
            raise InvalidVersion("a page has 1 record or more, got 0")
        records = list(self._state.commands.values())
        for start in range(0, len(records), page):
            yield records[start : start + page]
