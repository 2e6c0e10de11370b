"""Data: where the lines come from, and the identity that makes a rerun recognise them."""

from __future__ import annotations

import csv
import hashlib
import lzma
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, TextIO
from uuid import UUID, uuid5

import msgspec

from headwater.demo.commands import LineCommand
from headwater.demo.generator import SEED, generated_rows
from headwater.demo.lines import COLUMNS, commands_of
from headwater.errors import InvalidInput

__all__ = ["GENERATED_LINES", "Source", "file_named", "find_source", "open_text", "readable", "sha256_of"]

GENERATED_LINES: Final = 20_000
_CHUNK: Final = 1 << 20


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Lines from a file, or generated ones where there is no file."""

    path: Path | None
    namespace: UUID
    """Of command ids: the first half of the file's SHA-256."""
    lines: int | None = None
    """How many of them; None for all of the file."""

    def command_id(self, line: int) -> str:
        """The same on every run over the same file, so that nothing happens twice."""
        return str(uuid5(self.namespace, str(line)))

    @contextmanager
    def commands(self) -> Generator[Iterator[LineCommand], None, None]:
        """The lines in order, as commands. Reads a file: not for the event loop's thread.

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
    """The file asked for; else $HEADWATER_DATA/online_retail/events.csv.xz; else generated lines.

    Raises InvalidInput for a file that is not there.
    """
    found = path or file_named("online_retail")
    if found is None:
        identity = hashlib.sha256(f"generated, seed {SEED}".encode()).digest()
        return Source(path=None, namespace=UUID(bytes=identity[:16]), lines=GENERATED_LINES if lines is None else lines)
    return Source(path=found, namespace=UUID(bytes=sha256_of(found)[:16]), lines=lines)


def file_named(folder: str) -> Path | None:
    """That folder's file below $HEADWATER_DATA; None where there is none."""
    root = os.environ.get("HEADWATER_DATA")
    if not root:
        return None
    path = Path(root) / folder / "events.csv.xz"
    return path if path.is_file() else None


def sha256_of(path: Path) -> bytes:
    """Of the file's content. Raises InvalidInput for a file that cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror}): give --data a CSV or CSV.xz file") from error
    return digest.digest()


def readable(path: Path, rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows; raises InvalidInput for what is no CSV or CSV.xz file."""
    try:
        yield from rows
    except (lzma.LZMAError, UnicodeDecodeError, csv.Error, EOFError) as error:
        raise InvalidInput(f"{path} cannot be read ({error}): give a CSV or CSV.xz file") from error


def open_text(path: Path) -> TextIO:
    """A file that may be compressed."""
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
