"""Data: where the entries come from."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

from headwater.demo.event_file import EventFile, Generated
from headwater.demo.incidents.commands import EntryCommand
from headwater.demo.incidents.entries import COLUMNS, commands_of
from headwater.demo.incidents.generator import SEED, generated_rows

__all__ = ["GENERATED_LINES", "Source", "find_source"]

GENERATED_LINES: Final = 5_000


class Source(EventFile, frozen=True, kw_only=True):
    """Entries of the audit log."""

    @contextmanager
    def commands(self) -> Generator[Iterator[EntryCommand], None, None]:
        """The entries in order, as commands. Reads a file: not for the event loop's thread.

        Raises InvalidInput for a file that does not have the shape of the data set.
        """
        with self.rows(COLUMNS, generated_rows()) as (header, rows):
            yield islice(commands_of(header, rows), self.lines)


def find_source(path: Path | None, lines: int | None) -> Source:
    """The file asked for; else $HEADWATER_DATA/incidents/events.csv.xz; else generated entries.

    Raises InvalidInput for a file that is not there.
    """
    return Source.found(path, lines, "incidents", Generated(f"generated incidents, seed {SEED}", GENERATED_LINES))
