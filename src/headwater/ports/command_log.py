"""CommandLog: the outcomes of commands, by id."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from headwater.domain.append import CommandRecord

__all__ = ["CommandLog"]


class CommandLog(Protocol):
    """What became of each command: the audit trail, and the memory behind idempotent commands.

    Law: a committed record is never changed. Committed records are written by the append itself; `record`
    writes those of refused commands.
    """

    async def find(self, command_id: str) -> CommandRecord | None:
        """The record under this id."""
        ...

    async def record(self, record: CommandRecord) -> None:
        """Keep a refused command, its error as `told`; a no-op where this id is already committed."""
        ...

    async def list(self, limit: int, name: str | None = None, refused: bool | None = None) -> Sequence[CommandRecord]:
        """The newest records first; of one command name, refused or committed ones only, if asked."""
        ...

    def all(self, page: int = 1_000) -> AsyncIterator[Sequence[CommandRecord]]:
        """Every record in the order in which they were kept, in pages of at most so many, none of which is empty.

        Those that are kept meanwhile may be among them.
        """
        ...
