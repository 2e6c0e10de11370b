"""Data: where the entries come from, and the identity that makes a rerun recognise them."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

import msgspec

from headwater.demo.data import file_named, open_text, readable, sha256_of
from headwater.demo.incidents.commands import EntryCommand
from headwater.demo.incidents.entries import COLUMNS, commands_of
from headwater.demo.incidents.generator import SEED, generated_rows

__all__ = ["GENERATED_LINES", "Source", "find_source"]

GENERATED_LINES: Final = 5_000


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Entries from a file, or generated ones where there is no file."""

    path: Path | None
    namespace: UUID
    """Of command ids: the first half of the file's SHA-256."""
    lines: int | None = None
    """How many of them; None for all of the file."""

    def command_id(self, line: int) -> str:
        """The same on every run over the same file, so that nothing happens twice."""
        return str(uuid5(self.namespace, str(line)))

    @contextmanager
    def commands(self) -> Generator[Iterator[EntryCommand], None, None]:
        """The entries in order, as commands. Reads a file: not for the event loop's thread.

        Raises InvalidInput for a file that does not have the shape of the data set.
        """
        if self.path is None:
            yield islice(commands_of(COLUMNS, generated_rows()), self.lines)
            return
        with open_text(self.path) as text:
            rows = readable(self.path, csv.reader(text))
            header: list[str] = next(rows, list[str]())
            yield islice(commands_of(header, rows), self.lines)


def find_source(path: Path | None, lines: int | None) -> Source:
    """The file asked for; else $HEADWATER_DATA/incidents/events.csv.xz; else generated entries.

    Raises InvalidInput for a file that is not there.
    """
    found = path or file_named("incidents")
    if found is None:
        identity = hashlib.sha256(f"generated incidents, seed {SEED}".encode()).digest()
        return Source(path=None, namespace=UUID(bytes=identity[:16]), lines=GENERATED_LINES if lines is None else lines)
    return Source(path=found, namespace=UUID(bytes=sha256_of(found)[:16]), lines=lines)
