"""Audit: what operators do to projections, noted where every process can read it."""

from __future__ import annotations

import getpass
import os
import platform

from headwater.ports.clock import Clock
from headwater.ports.journal import Entry, Journal

__all__ = ["Audit"]


class Audit:
    """Notes deeds in the journal, under a name that was given or that of the process."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    @property
    def whoami(self) -> str:
        """The user and host of this process, and its number."""
        return f"{_user()}@{platform.node()}:{os.getpid()}"

    async def note(self, action: str, subject: str, by: str, details: str = "", outcome: str = "done") -> None:
        """One deed, after it was done. Raises StoreError."""
        entry = Entry(
            at=self._clock.micros(),
            by=by or self.whoami,
            action=action,
            subject=subject,
            outcome=outcome,
            details=details,
        )
        await self._journal.note(entry)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return str(os.getuid())
