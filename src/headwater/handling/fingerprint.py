"""Fingerprints of code: they change when what it does may have changed."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import cast

__all__ = ["class_fingerprint", "code_parts"]


def class_fingerprint(cls: type, extra: str = "") -> str:
    """16 hex digits over the methods of a class and its bases, and `extra`; differs between Python versions, too."""
    digest = hashlib.blake2b(extra.encode(), digest_size=8)
    for name, member in inspect.getmembers_static(cls):
        function = getattr(member, "__func__", member)
        if isinstance(function, FunctionType) and not function.__module__.startswith("headwater."):
            digest.update(name.encode())
            for part in code_parts(function):
                digest.update(part)
    return digest.hexdigest()


def code_parts(function: object) -> Iterator[bytes]:
    """What a function does, as bytes that are the same in every process; nothing for what has no code."""
    code = getattr(function, "__code__", None)
    if isinstance(code, CodeType):
        yield from _parts(code)


def _parts(code: CodeType) -> Iterator[bytes]:
    yield code.co_code
    yield repr(code.co_names).encode()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
        elif isinstance(constant, frozenset):
            members = cast("frozenset[object]", constant)
            yield repr(sorted(map(repr, members))).encode()  # their own order differs between processes
        else:
            yield repr(constant).encode()
