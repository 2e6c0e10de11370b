"""Data: where the lines come from."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

from headwater.demo.event_file import EventFile, Generated
from headwater.demo.retail.commands import LineCommand
from headwater.demo.retail.generator import SEED, generated_rows
from headwater.demo.retail.lines import COLUMNS, commands_of

__all__ = ["GENERATED_LINES", "Source", "find_source"]

GENERATED_LINES: Final = 20_000


class Source(EventFile, frozen=True, kw_only=True):
    """Lines of invoices."""

    @contextmanager
    def commands(self) -> Generator[Iterator[LineCommand], None, None]:
        """The lines in order, as commands. Reads a file: not for the event loop's thread.

        Raises InvalidInput for a file that does not have the shape of the data set.
        """
        with self.rows(COLUMNS, generated_rows()) as (header, rows):
            yield islice(commands_of(header, rows), self.lines)


def find_source(path: Path | None, lines: int | None) -> Source:
    """The file asked for; else $HEADWATER_DATA/online_retail/events.csv.xz; else generated lines.

    Raises InvalidInput for a file that is not there.
    """
    return Source.found(path, lines, "online_retail", Generated(f"generated, seed {SEED}", GENERATED_LINES))
