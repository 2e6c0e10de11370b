"""Layout: the addresses and ports of a cluster, recorded in its folder, so that it is found and started again there."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import msgspec

from headwater.errors import ConfigurationError
from headwater.testing.servers.ports import free_port, taken

__all__ = ["Layout", "lay_out", "read_layout", "write_layout"]

SIZES: Final = (1, 3)
"""One node, or as many as keep a copy each and lose one without harm."""

_FIRST: Final = "127.0.0.2"


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
    client_port = port or free_port(hosts)
    return Layout(hosts=hosts, port=client_port, storage_port=free_port(hosts, but=client_port))


def read_layout(file: Path) -> Layout | None:
    """None where no cluster has been made."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Layout)
    except FileNotFoundError:
        return None


def write_layout(file: Path, layout: Layout) -> None:
    file.write_bytes(msgspec.json.encode(layout) + b"\n")


def _must_be_here(host: str) -> None:
    if error := taken(host, 0):
        raise ConfigurationError(
            f"this machine has no address {host} ({error}): on macOS, sudo ifconfig lo0 alias {host}"
        ) from error
