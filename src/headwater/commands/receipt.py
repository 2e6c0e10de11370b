"""Receipt: what executing a command returns."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from headwater.domain.token import Token

__all__ = ["Receipt"]

R_co = TypeVar("R_co", covariant=True)


class Receipt(msgspec.Struct, Generic[R_co], frozen=True, gc=False):
    """The outcome of a committed command."""

    result: R_co
    """What the handler returned."""
    events: tuple[object, ...]
    """The events it committed, in order."""
    token: Token
    """Hand it to a query (`at_least=`) to read this write."""
    command_id: str | None = None
    """The command's id; None where it committed nothing and the caller gave none."""
    replayed: bool = False
    """True if this id had committed before: result, events and token are those of the first time."""
