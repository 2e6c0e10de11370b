"""EventFile: a CSV file of events, or generated rows in its place, and the identity that makes a rerun recognise it."""

from __future__ import annotations

import csv
import hashlib
import lzma
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self, TextIO
from uuid import UUID, uuid5

import msgspec

from headwater.errors import InvalidInput

__all__ = ["EventFile", "Generated"]

_CHUNK: Final = 1 << 20


class Generated(msgspec.Struct, frozen=True):
    """What stands in for a file that is not there."""

    name: str
    """With its seed: it makes the command ids."""
    lines: int
    """How many, where nobody says."""


class EventFile(msgspec.Struct, frozen=True, kw_only=True):
    """Rows from a file, or generated ones where there is no file."""

    path: Path | None
    namespace: UUID
    """Of command ids: the first half of the file's SHA-256."""
    lines: int | None = None
    """How many of them; None for all of the file."""

    @classmethod
    def found(cls, path: Path | None, lines: int | None, folder: str, generated: Generated) -> Self:
        """The file asked for; else $HEADWATER_DATA/`folder`/events.csv.xz; else generated rows.

        Raises InvalidInput for a file that is not there.
        """
        file = path or _in_data(folder)
        if file is not None:
            return cls(path=file, namespace=UUID(bytes=_sha256_of(file)[:16]), lines=lines)
        identity = hashlib.sha256(generated.name.encode()).digest()
        return cls(path=None, namespace=UUID(bytes=identity[:16]), lines=generated.lines if lines is None else lines)

    def command_id(self, line: int) -> str:
        """The same on every run over the same file, so that nothing happens twice."""
        return str(uuid5(self.namespace, str(line)))

    @contextmanager
    def rows(
        self, columns: Sequence[str], generated: Iterator[list[str]]
    ) -> Generator[tuple[Sequence[str], Iterator[list[str]]], None, None]:
        """The header and the rows; `columns` and the generated ones where there is no file.

        Reads a file: not for the event loop's thread. Raises InvalidInput for one that cannot be read.
        """
        if self.path is None:
            yield columns, generated
            return
        with _open_text(self.path) as text:
            rows = _readable(self.path, csv.reader(text))
            header: list[str] = next(rows, list[str]())
            yield header, rows


def _in_data(folder: str) -> Path | None:
    """That folder's file below $HEADWATER_DATA; None where there is none."""
    root = os.environ.get("HEADWATER_DATA")
    if not root:
        return None
    path = Path(root) / folder / "events.csv.xz"
    return path if path.is_file() else None


def _sha256_of(path: Path) -> bytes:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror}): give --data a CSV or CSV.xz file") from error
    return digest.digest()


def _readable(path: Path, rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows; raises InvalidInput for what is no CSV or CSV.xz file."""
    try:
        yield from rows
    except (lzma.LZMAError, UnicodeDecodeError, csv.Error, EOFError) as error:
        raise InvalidInput(f"{path} cannot be read ({error}): give a CSV or CSV.xz file") from error


def _open_text(path: Path) -> TextIO:
    """A file that may be compressed."""
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
