"""Ports: which of this machine's are free for a server."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Sequence
from typing import Final

from headwater.errors import StoreUnavailable

__all__ = ["free_port", "must_be_free", "taken"]

_FREE: Final = range(10_000, 32_000)
"""Below what the system gives to clients, which might sit on the port of a server that is down."""
_TRIES: Final = 100


def free_port(hosts: Sequence[str], but: int | None = None) -> int:
    """One that is free on all of these addresses. Raises StoreUnavailable if there is none."""
    for port in random.sample(_FREE, _TRIES):
        if port != but and not any(taken(host, port) for host in hosts):
            return port
    raise StoreUnavailable(f"no port is free on {', '.join(hosts)}")


def must_be_free(host: str, ports: Iterable[int]) -> None:
    """Raises StoreUnavailable if another process has one of them."""
    for port in ports:
        if error := taken(host, port):
            raise StoreUnavailable(f"the port {port} of {host} cannot be had: {error}") from error


def taken(host: str, port: int) -> OSError | None:
    """What keeps a server from listening there; connections that are ending do not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None
