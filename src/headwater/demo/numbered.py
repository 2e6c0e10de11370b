"""Numbered: commands made of the lines of a file, whose places in it make a rerun harmless."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from headwater import Command

__all__ = ["NumberedCommand", "NumberedCommands"]


class NumberedCommand(Command[int]):
    """One line of the input; the result is the version of what it changed."""

    line: int
    """The place in the input, from 1."""

    @property
    @abstractmethod
    def lane(self) -> str:
        """What it changes: the commands of one lane are sent in order, one after the other."""


class NumberedCommands(Protocol):
    """Where they come from."""

    def commands(self) -> AbstractContextManager[Iterator[NumberedCommand]]:
        """All of them in order. Reads a file: not for the event loop's thread."""
        ...

    def command_id(self, line: int) -> str:
        """The same on every run over the same input."""
        ...
