"""Resuming: which lines an earlier run has committed, read from the log itself."""

from __future__ import annotations

from headwater import CQRSManager
from headwater.demo.retail.data import Source
from headwater.demo.retail.events import LineEvent
from headwater.demo.stored_lines import StoredLines
from headwater.errors import StoreMismatch

__all__ = ["stored_lines"]


async def stored_lines(cqrs: CQRSManager, source: Source) -> StoredLines:
    """The lines whose command, by its id, is committed.

    Raises StoreMismatch if the store holds invoices of another file, whose figures would be mixed with these.
    """
    found = StoredLines()
    async for event in cqrs.read_log(category="invoice"):
        if not isinstance(event.data, LineEvent):
            continue
        line = event.data.line
        if source.command_id(line).encode() not in event.stored.context:
            raise StoreMismatch("this store holds invoices of other data: name another file with --engine")
        found.add(line)
    return found
