"""Native protocol: one statement over one connection, in version 4 of what Cassandra's clients speak; no driver."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Final

from headwater.errors import StoreError, StoreUnavailable

__all__ = ["ALL", "ONE", "QUORUM", "ask"]

ONE: Final = 0x0001
QUORUM: Final = 0x0004
ALL: Final = 0x0005

_VERSION: Final = 4
_STARTUP: Final = 0x01
_QUERY: Final = 0x07
_READY: Final = 0x02
_RESULT: Final = 0x08
_ROWS: Final = 2
_SKIP_METADATA: Final = 0x02
_HEADER: Final = struct.Struct(">BBhBI")


def ask(host: str, port: int, statement: str, timeout: float, consistency: int = ONE) -> list[list[str]]:
    """The rows that a statement answers, whose columns must be texts; a null is an empty one.

    `timeout` is in seconds, for each step. Raises StoreUnavailable if nobody answers, StoreError if the answer is an
    error.
    """
    try:
        with socket.create_connection((host, port), timeout) as connection:
            _exchange(connection, _STARTUP, struct.pack(">H", 1) + _text("CQL_VERSION") + _text("3.0.0"), _READY)
            query = statement.encode()
            asked = struct.pack(">I", len(query)) + query + struct.pack(">HB", consistency, _SKIP_METADATA)
            return list(_rows(_exchange(connection, _QUERY, asked, _RESULT)))
    except (OSError, struct.error) as error:
        raise StoreUnavailable(f"no Cassandra answers at {host}:{port}: {error}") from error


def _exchange(connection: socket.socket, opcode: int, body: bytes, expected: int) -> bytes:
    connection.sendall(_HEADER.pack(_VERSION, 0, 0, opcode, len(body)) + body)
    _, _, _, answered, length = _HEADER.unpack(_receive(connection, _HEADER.size))
    answer = _receive(connection, length)
    if answered != expected:  # an error is a code and a text
        raise StoreError(f"Cassandra answers: {answer[6:].decode(errors='replace')}")
    return answer


def _receive(connection: socket.socket, length: int) -> bytes:
    parts: list[bytes] = []
    while length > 0:
        part = connection.recv(length)
        if not part:
            raise ConnectionResetError("the connection was closed")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _rows(result: bytes) -> Iterator[list[str]]:
    (kind,) = struct.unpack_from(">I", result)
    if kind != _ROWS:
        return
    _, columns = struct.unpack_from(">II", result, 4)  # flags; no metadata and no next page follow
    (count,) = struct.unpack_from(">I", result, 12)
    place = 16
    for _ in range(count):
        row: list[str] = []
        for _ in range(columns):
            (length,) = struct.unpack_from(">i", result, place)
            place += 4
            row.append(result[place : place + max(length, 0)].decode())
            place += max(length, 0)
        yield row


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()
