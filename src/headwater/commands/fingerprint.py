"""Fingerprint: tells whether two commands of one id are the same command."""

from __future__ import annotations

import hashlib

from headwater.domain.registry import Registry

__all__ = ["fingerprint"]


def fingerprint(registry: Registry, command: object) -> tuple[str, bytes]:
    """The command's stored name, and 16 bytes of BLAKE2b over name and payload."""
    name, _, data = registry.encode(command)
    return name, hashlib.blake2b(data, digest_size=16, key=name.encode()[:64]).digest()
