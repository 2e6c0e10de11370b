"""Layout: the addresses and ports of a cluster, recorded in its folder, so that it is found and started again there."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import msgspec

from headwater.errors import ConfigurationError, StoreUnavailable

__all__ = ["Layout", "lay_out", "must_be_free", "read_layout", "write_layout"]

SIZES: Final = (1, 3)
"""One node, or as many as keep a copy each and lose one without harm."""

_FIRST: Final = "127.0.0.2"
_FREE: Final = range(10_000, 32_000)
"""Below what the system gives to clients, which might sit on the port of a node that is down."""
_TRIES: Final = 100


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Clusters share the addresses and differ in the ports; the nodes of one share the ports."""

    hosts: tuple[str, ...]
    port: int
    """Of clients."""
    storage_port: int
    """Of the nodes among themselves."""


def lay_out(nodes: int, port: int | None) -> Layout:
    """A cluster on 127.0.0.2 and the addresses after it. Raises ConfigurationError if this machine cannot have it."""
    if nodes not in SIZES:
        raise ConfigurationError(f"a cluster of {nodes} nodes was asked for: it has {' or '.join(map(str, SIZES))}")
    hosts = tuple(str(IPv4Address(_FIRST) + number) for number in range(nodes))
    for host in hosts:
        _must_be_here(host)
    client_port = port or _free_port(hosts, but=0)
    return Layout(hosts=hosts, port=client_port, storage_port=_free_port(hosts, but=client_port))


def must_be_free(host: str, port: int) -> None:
    """Raises StoreUnavailable if another process has it."""
    if error := _taken(host, port):
        raise StoreUnavailable(f"the port {port} of {host} cannot be had: {error}") from error


def read_layout(file: Path) -> Layout | None:
    """None where no cluster has been made."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Layout)
    except FileNotFoundError:
        return None


def write_layout(file: Path, layout: Layout) -> None:
    file.write_bytes(msgspec.json.encode(layout) + b"\n")


def _must_be_here(host: str) -> None:
    if error := _taken(host, 0):
        raise ConfigurationError(
            f"this machine has no address {host} ({error}): on macOS, sudo ifconfig lo0 alias {host}"
        ) from error


def _free_port(hosts: Sequence[str], but: int) -> int:
    for port in random.sample(_FREE, _TRIES):
        if port != but and not any(_taken(host, port) for host in hosts):
            return port
    raise StoreUnavailable(f"no port is free on {', '.join(hosts)}")


def _taken(host: str, port: int) -> OSError | None:
    """What keeps a server from listening there; connections that are ending do not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None
