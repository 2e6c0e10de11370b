"""Server: one server of this machine that is started, looked at and stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

__all__ = ["Server", "ServerStatus"]


class ServerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a server."""

    engine: str
    url: str
    """How headwater reaches it; without a password in it. Empty where no server has been made."""
    folder: str
    """Where its data and its log lie."""
    pid: int | None
    """Of its first process; None if it does not run."""
    answers: bool
    version: str
    """As the server says it; empty if it does not answer."""


class Server(Protocol):
    """A server with its data in a folder of its own, on a loopback address. Every call blocks: keep it off a loop."""

    folder: Path

    def start(self) -> None:
        """Make it if it is not there, and return once it answers; one that runs is left alone.

        Raises ConfigurationError if its programs are not installed or cannot use the folder, StoreUnavailable if it
        does not come up.
        """
        ...

    def stop(self) -> bool:
        """End it in good order, and return once its processes are gone. False if none ran."""
        ...

    def status(self) -> ServerStatus:
        """Whether it runs and answers. Changes nothing."""
        ...

    def delete(self) -> None:
        """Stop it, and remove all it keeps; other files in the folder stay."""
        ...
