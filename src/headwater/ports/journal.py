"""Journal: what operators and checks have done to a store's read side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

__all__ = ["Entry", "Journal"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One deed, or one result."""

    at: int
    """Microseconds since 1970."""
    by: str
    """Who asked for it: a person or a process."""
    action: str
    """As in `projection.pause`, `parked.edit`, `check.stream_heads`."""
    subject: str
    """What it was done to."""
    outcome: str = "done"
    """One word: `done`, `refused`, `ok`, `inconsistent`, `repaired`, `failed`."""
    details: str = ""


class Journal(Protocol):
    """Entries, the newest first.

    Law: at least the 10,000 newest are kept, and no more than 20,000.
    """

    async def note(self, entry: Entry) -> None:
        """Keep one; a subject or details above 8,000 characters are cut."""
        ...

    async def entries(
        self, *, action: str | None = None, subject: str | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        """The newest, of one action (or of all that begin with `name.`, given `name.*`) and one subject if asked."""
        ...
