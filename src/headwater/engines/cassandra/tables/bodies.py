"""Bodies: values of the read side's ports as they lie in a cell, in JSON."""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["encoded"]


def encoded(value: msgspec.Struct) -> bytes:
    """The value, names as plain texts."""
    return _ENCODER.encode(value)


def _plain(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is kept in no cell")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_plain)
