"""Blocks: a file as a row of checksummed pieces, each of which is compressed by itself and fits in memory."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from enum import IntEnum
from hashlib import blake2b
from typing import BinaryIO, Final, TypeAlias
from zlib import crc32

import msgspec

from headwater.errors import LimitExceeded, MissingExtra, SnapshotUnusable

__all__ = ["LARGEST", "BlockReader", "BlockWriter", "Kind", "compressor"]

LARGEST: Final = 64 << 20
"""Bytes of one block, compressed or not: what a reader lets itself be told to make room for."""

_MAGIC: Final = b"headwater rows 1\n"
_HEAD: Final = struct.Struct(">BBIII")
"""Kind, whether it is compressed, bytes in the file, bytes of the content, and the CRC-32 of those and the piece."""

Compress: TypeAlias = Callable[[bytes], bytes]
Decompress: TypeAlias = Callable[[bytes, int], bytes]


class Kind(IntEnum):
    """What is in a block."""

    HEADER = 1
    PARKED = 2
    ROWS = 3
    TRAILER = 4


class _Seal(msgspec.Struct, frozen=True):
    """What ends a file: a digest of every byte before its own block, and what its writer has to say."""

    digest: bytes
    content: msgspec.Raw


class BlockWriter:
    """Writes to a file that is open for it; `finish` ends it. Raises OSError, and LimitExceeded above `LARGEST`."""

    def __init__(self, file: BinaryIO, compress: Compress | None) -> None:
        self._file = file
        self._compress = compress
        self._digest = blake2b(digest_size=16)
        self._put(_MAGIC)

    def write(self, kind: Kind, content: bytes) -> None:
        """One block."""
        if len(content) > LARGEST:
            raise LimitExceeded("a row in a snapshot", len(content), LARGEST)
        packed = content if self._compress is None else self._compress(content)
        is_smaller = len(packed) < len(content)
        piece = packed if is_smaller else content
        numbers = kind, is_smaller, len(piece), len(content)
        self._put(_HEAD.pack(*numbers, _checksum(*numbers, piece)))
        self._put(piece)

    def finish(self, content: bytes) -> bytes:
        """The last block; the digest of everything before it, which tells two files apart."""
        digest = self._digest.digest()
        self.write(Kind.TRAILER, msgspec.msgpack.encode(_Seal(digest, msgspec.Raw(content))))
        return digest

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)


class BlockReader:
    """The blocks of a file, in order. After the last one `digest` and `trailer` are those it was finished with."""

    def __init__(self, file: BinaryIO) -> None:
        self.digest = b""
        self.trailer = b""
        self._file = file
        self._digest = blake2b(digest_size=16)
        self._decompress: Decompress | None = None

    def blocks(self) -> Iterator[tuple[Kind, bytes]]:
        """Each with its content. Raises SnapshotUnusable, before it yields what is; MissingExtra, OSError."""
        if self._take(len(_MAGIC)) != _MAGIC:
            raise SnapshotUnusable("it is no snapshot, or one of another format")
        while True:
            before = self._digest.digest()
            kind, content = self._block()
            if kind is Kind.TRAILER:
                self._end(content, before)
                return
            yield kind, content

    def _block(self) -> tuple[Kind, bytes]:
        number, is_packed, stored, size, checksum = _HEAD.unpack(self._take(_HEAD.size))
        if stored > LARGEST or size > LARGEST:
            raise SnapshotUnusable(f"a block says that it holds {max(stored, size):,} bytes")
        piece = self._take(stored)
        if _checksum(number, is_packed, stored, size, piece) != checksum:
            raise SnapshotUnusable("the checksum of a block does not match")
        try:
            kind = Kind(number)
        except ValueError:
            raise SnapshotUnusable(f"a block is of the unknown kind {number}") from None
        content = self._unpacked(piece, size) if is_packed else piece
        if len(content) != size:
            raise SnapshotUnusable("a block is of another size than it says")
        return kind, content

    def _unpacked(self, piece: bytes, size: int) -> bytes:
        """Never more than `size` bytes, whatever is in the piece."""
        if self._decompress is None:
            self._decompress = _decompressor()
        return self._decompress(piece, size)

    def _end(self, content: bytes, digest: bytes) -> None:
        try:
            seal = msgspec.msgpack.decode(content, type=_Seal)
        except msgspec.DecodeError:
            raise SnapshotUnusable("its last block cannot be read") from None
        if seal.digest != digest:
            raise SnapshotUnusable("its digest does not match")
        if self._file.read(1):
            raise SnapshotUnusable("bytes follow its end")
        self.digest, self.trailer = digest, bytes(seal.content)

    def _take(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) != count:
            raise SnapshotUnusable("it ends too early")
        self._digest.update(data)
        return data


def compressor() -> Compress:
    """Compression by Zstandard. Raises MissingExtra where it is not installed."""
    try:
        from zstandard import ZstdCompressor
    except ImportError:
        raise MissingExtra(
            "compressed snapshots need zstandard: pip install 'headwater[zstd]', or say compression_enabled=False"
        ) from None
    return ZstdCompressor(level=3).compress


def _decompressor() -> Decompress:
    try:
        from zstandard import ZstdDecompressor, ZstdError, get_frame_parameters
    except ImportError:
        raise MissingExtra("it is compressed by Zstandard: pip install 'headwater[zstd]'") from None
    unpacker = ZstdDecompressor(max_window_size=LARGEST)

    def decompress(piece: bytes, size: int) -> bytes:
        try:
            if get_frame_parameters(piece).content_size != size:
                raise SnapshotUnusable("a block is of another size than it says")
            return unpacker.decompress(piece, allow_extra_data=False)
        except ZstdError:
            raise SnapshotUnusable("a block cannot be decompressed") from None

    return decompress


def _checksum(kind: int, is_packed: int, stored: int, size: int, piece: bytes) -> int:
    return crc32(piece, crc32(_HEAD.pack(kind, is_packed, stored, size, 0)))
