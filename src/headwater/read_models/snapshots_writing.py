"""SnapshotWriter: a snapshot that is there whole, or not at all."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import msgspec

from headwater.models.model import ReadModel, schema_of
from headwater.ports.exports import Exported
from headwater.ports.parking import ParkedEvent
from headwater.read_models.snapshots_blocks import BlockWriter, Kind, compressor
from headwater.read_models.snapshots_header import Header, Trailer

__all__ = ["PARTIAL", "SnapshotWriter"]

PARTIAL: Final = ".partial"
"""What the name of a file ends with that is not whole yet."""
_BLOCK: Final = 4 << 20
"""Bytes above which a page of rows becomes several blocks."""


class SnapshotWriter:
    """Writes a file beside `target`, which takes its name when it is whole and on the disk. Blocks; for any thread.

    Raises MissingExtra, OSError, and LimitExceeded for a row that no block holds.
    """

    def __init__(self, target: Path, header: Header, models: Sequence[type[ReadModel]], compress: bool) -> None:
        self._lock = threading.Lock()  # whoever was cancelled gives up a file that a thread still writes
        self._target = target
        self._partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}{PARTIAL}")
        self._numbers = {model: number for number, model in enumerate(models)}
        self._rows = self._parked = 0
        self._header = header
        self._compress = compressor() if compress else None
        self._open = ExitStack()
        self._is_over = False

    def begin(self) -> None:
        """Make the file, unless it was abandoned before that."""
        with self._lock:
            if not self._is_over:
                self._file = self._open.enter_context(self._partial.open("xb"))
                self._blocks = BlockWriter(self._file, self._compress)
                self._blocks.write(Kind.HEADER, _encode(self._header))

    def add(self, page: Exported) -> None:
        """One page of an export: parked events, or rows of one read model."""
        parked = [item for item in page if isinstance(item, ParkedEvent)]
        rows = [item for item in page if isinstance(item, ReadModel)]
        with self._lock:
            if parked:
                self._blocks.write(Kind.PARKED, _encode(parked))
                self._parked += len(parked)
            if rows:
                self._add_rows(type(rows[0]), rows)
                self._rows += len(rows)

    def finish(self) -> None:
        """Bring the file to the disk, then give it its name."""
        with self._lock:
            self._blocks.finish(_encode(Trailer(rows=self._rows, parked=self._parked)))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._open.close()
            os.replace(self._partial, self._target)
            _sync(self._target.parent)

    def abandon(self) -> None:
        """Leave nothing behind; nothing happens after `finish`."""
        with self._lock:
            self._is_over = True
            self._open.close()
            with suppress(FileNotFoundError):
                self._partial.unlink()

    def _add_rows(self, model: type[ReadModel], rows: Sequence[ReadModel]) -> None:
        to_scalars = schema_of(model).to_scalars
        content = _encode((self._numbers[model], [to_scalars(row) for row in rows]))
        if len(content) <= _BLOCK or len(rows) == 1:
            self._blocks.write(Kind.ROWS, content)
            return
        half = len(rows) // 2
        self._add_rows(model, rows[:half])
        self._add_rows(model, rows[half:])


def _plain(value: object) -> object:
    """A name that is more than text, such as an Identifier, as text."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"no snapshot holds a {type(value).__name__}")


_encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
