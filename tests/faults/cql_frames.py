"""cql_frames: the messages of Cassandra's native protocol, version 4, as far as to tell conditional writes by them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = ["Conversation", "Frame", "Statements", "frames_of"]

_HEADER: Final = struct.Struct(">BBhBI")
_PREPARE: Final = 0x09
_EXECUTE: Final = 0x0A
_BATCH: Final = 0x0D
_RESULT: Final = 0x08
_PREPARED: Final = 4
_CONDITION: Final = re.compile(r"\sIF\s", re.IGNORECASE)
_TABLE: Final = re.compile(r"(?:UPDATE|INTO)\s+(\S+)", re.IGNORECASE)


class Frame(NamedTuple):
    """One message, whole."""

    stream: int
    """Which question an answer is to."""
    opcode: int
    body: bytes
    bytes: bytes
    """As it came."""


class Statements:
    """Which prepared statements are conditional, whichever node and connection they were prepared on."""

    def __init__(self) -> None:
        self._tables: dict[bytes, str] = {}

    def learn(self, id: bytes, text: str) -> None:
        if _CONDITION.search(text) and (found := _TABLE.search(text)):
            self._tables[id] = found[1]

    def table_of(self, request: Frame) -> str | None:
        """Of a conditional write; None for any other request. The condition is in a batch's first statement."""
        if request.opcode == _EXECUTE:
            return self._tables.get(_short_bytes(request.body, 0))
        if request.opcode == _BATCH and request.body[3:4] == b"\x01":
            return self._tables.get(_short_bytes(request.body, 4))
        return None


class Conversation:
    """What is asked over one connection, and not answered yet."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._preparing: dict[int, str] = {}
        self._conditional: dict[int, str] = {}

    def asks(self, request: Frame) -> str | None:
        """The table of a conditional write."""
        if request.opcode == _PREPARE:
            (length,) = struct.unpack_from(">I", request.body)
            self._preparing[request.stream] = request.body[4 : 4 + length].decode()
        table = self._statements.table_of(request)
        if table is not None:
            self._conditional[request.stream] = table
        return table

    def answers(self, reply: Frame) -> str | None:
        """The table of the conditional write that this is the answer to."""
        text = self._preparing.pop(reply.stream, None)
        if text is not None and reply.opcode == _RESULT and reply.body[:4] == struct.pack(">I", _PREPARED):
            self._statements.learn(_short_bytes(reply.body, 4), text)
        return self._conditional.pop(reply.stream, None)


def frames_of(received: bytearray) -> Iterator[Frame]:
    """The whole messages at the beginning of what was received, which are taken off it."""
    while len(received) >= _HEADER.size:
        _, _, stream, opcode, length = _HEADER.unpack_from(received)
        end = _HEADER.size + length
        if len(received) < end:
            return
        taken = bytes(received[:end])
        del received[:end]
        yield Frame(stream, opcode, taken[_HEADER.size :], taken)


def _short_bytes(body: bytes, at: int) -> bytes:
    (length,) = struct.unpack_from(">H", body, at)
    return body[at + 2 : at + 2 + length]
