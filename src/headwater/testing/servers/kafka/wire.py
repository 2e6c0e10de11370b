"""Wire: the one request of Kafka's protocol that tells whether a broker is there; no client library."""

from __future__ import annotations

import socket
import struct
from typing import Final

from headwater.errors import StoreUnavailable

__all__ = ["greet"]

_API_VERSIONS: Final = 18
_CLIENT: Final = b"headwater"
_REQUEST: Final = struct.Struct(">hhih")
_ANSWER: Final = struct.Struct(">ih")
_SIZE: Final = struct.Struct(">i")


def greet(host: str, port: int, timeout: float) -> None:
    """Return once a broker has told which requests it takes; `timeout` is in seconds, for each step.

    Raises StoreUnavailable if none answers.
    """
    request = _REQUEST.pack(_API_VERSIONS, 0, 1, len(_CLIENT)) + _CLIENT
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.sendall(_SIZE.pack(len(request)) + request)
            answer = _received(connection, _SIZE.unpack(_received(connection, _SIZE.size))[0])
            _, error = _ANSWER.unpack_from(answer)
    except (OSError, struct.error) as failure:
        raise StoreUnavailable(f"no Kafka answers at {host}:{port}: {failure}") from failure
    if error:
        raise StoreUnavailable(f"the broker at {host}:{port} refuses to say what it can do: its error {error}")


def _received(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = connection.recv(count - len(found))
        if not part:
            raise ConnectionResetError("the connection was closed")
        found += part
    return found
