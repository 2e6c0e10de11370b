"""KeptProcess: a process that outlives who starts it, known by its id in a file; it can be crashed and frozen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headwater.testing.servers import processes
from headwater.testing.servers.account import Account

__all__ = ["KeptProcess", "complaints"]


class KeptProcess:
    """One at a time, in a folder that holds its log and the file with its id.

    `mark` is a text in its command that no other process has in its own: the id may be another's by now.
    """

    def __init__(self, folder: Path, account: Account, mark: str) -> None:
        self._folder = folder
        self._account = account
        self._mark = mark
        self._log = folder / "log"
        self._file = folder / "pid"

    @property
    def pid(self) -> int | None:
        """None if it does not run."""
        try:
            pid = int(self._file.read_text())
        except (OSError, ValueError):
            return None
        is_ours = pid > 1 and processes.is_running(pid) and self._mark in processes.command_of(pid)
        return pid if is_ours else None

    def launch(self, command: Sequence[str]) -> None:
        """Start it with a new log. Raises ConfigurationError if that cannot be."""
        if self._log.exists():
            self._log.replace(self._folder / "log.previous")
        self._log.touch()
        self._account.own(self._log)
        self._file.write_text(f"{self._account.start(command, self._folder, self._log)}\n")

    def stop(self) -> bool:
        """In good order; returns once it is gone. False if it did not run."""
        pid = self.pid
        if pid is None:
            return False
        processes.thaw(pid)
        processes.end([pid])
        return True

    def kill(self) -> None:
        """At once, as when its machine fails; what the system holds for the disk is kept."""
        if pid := self.pid:
            processes.kill(pid)

    def freeze(self) -> None:
        """It stands still: connections stay open, and it does not answer."""
        if pid := self.pid:
            processes.freeze(pid)

    def thaw(self) -> None:
        """After `freeze`."""
        if pid := self.pid:
            processes.thaw(pid)

    def last_words(self) -> str:
        """What its log says of why it ended."""
        try:
            return f"its log says: {complaints(self._log.read_text(errors='replace'))}"
        except OSError:
            return "it left no log"


def complaints(said: str) -> str:
    """The last that a program of Java's complains of in what it said; else the last of it."""
    lines = said.splitlines()
    told = [line for line in lines if line.startswith("ERROR") or "Exception" in line]
    return " ".join((told or lines)[-5:])[-800:]
