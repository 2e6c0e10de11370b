"""Reading of snapshots: what is in a file, once it is proved to be what was written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeVar

import msgspec

from headwater.errors import MissingExtra, SnapshotUnusable
from headwater.models.fields import Scalar
from headwater.ports.parking import ParkedEvent
from headwater.read_models.snapshots_blocks import BlockReader, Kind
from headwater.read_models.snapshots_header import Header, Trailer

__all__ = ["Contents", "ReadModelSnapshot", "SnapshotContents", "SnapshotRows", "examined"]

T = TypeVar("T")

_header = msgspec.msgpack.Decoder(Header).decode
_parked = msgspec.msgpack.Decoder(list[ParkedEvent]).decode
_rows: Callable[[bytes], tuple[int, list[tuple[Scalar, ...]]]]
_rows = msgspec.msgpack.Decoder(tuple[int, list[tuple[Any, ...]]]).decode
_trailer = msgspec.msgpack.Decoder(Trailer).decode


class SnapshotRows(msgspec.Struct, frozen=True):
    """Rows of one read model, as scalars in the order of its fields."""

    model: int
    """Which of `Header.models`."""
    rows: Sequence[tuple[Scalar, ...]]


Contents: TypeAlias = "Sequence[ParkedEvent] | SnapshotRows"


class ReadModelSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A file, and what is known of it after every byte was looked at."""

    path: Path
    size: int = 0
    """In bytes."""
    header: Header | None = None
    """None where not even that can be read."""
    rows: int = 0
    digest: str = ""
    """Tells it from every other."""
    damage: str = ""
    """Why it cannot be read; empty for one that can."""


class SnapshotContents:
    """What is in a file that is open, a block at a time. Blocks; raises MissingExtra and OSError, too."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises SnapshotUnusable where there is no header."""
        self._reader = BlockReader(file)
        self._blocks = self._reader.blocks()
        kind, content = next(self._blocks, (Kind.TRAILER, b""))
        if kind is not Kind.HEADER:
            raise SnapshotUnusable("it has no header")
        self.header = _decoded(_header, content)
        self.rows = self.parked = 0
        """How many came so far."""

    @property
    def digest(self) -> str:
        """Tells the file from every other; empty before all of it was read."""
        return self._reader.digest.hex()

    def __iter__(self) -> Iterator[Contents]:
        """As it was written. Raises SnapshotUnusable at what is damaged, be it the very end."""
        for kind, content in self._blocks:
            if kind is Kind.PARKED:
                parked = _decoded(_parked, content)
                self.parked += len(parked)
                yield parked
            elif kind is Kind.ROWS:
                number, rows = _decoded(_rows, content)
                self.rows += len(rows)
                yield SnapshotRows(number, rows)
            else:
                raise SnapshotUnusable("it has two headers")
        if _decoded(_trailer, self._reader.trailer) != Trailer(rows=self.rows, parked=self.parked):
            raise SnapshotUnusable("it holds more or less than it says")


def examined(path: Path) -> ReadModelSnapshot:
    """Read all of a file. Blocks."""
    size, header = 0, None
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            contents = SnapshotContents(file)
            header = contents.header
            for _ in contents:
                pass
    except (SnapshotUnusable, MissingExtra, OSError) as error:
        return ReadModelSnapshot(path=path, size=size, header=header, damage=str(error))
    return ReadModelSnapshot(path=path, size=size, header=header, rows=contents.rows, digest=contents.digest)


def _decoded(decode: Callable[[bytes], T], content: bytes) -> T:
    try:
        return decode(content)
    except msgspec.DecodeError as error:
        raise SnapshotUnusable(f"a block cannot be read: {error}") from None
