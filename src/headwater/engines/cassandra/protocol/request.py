"""Request: what a core wants done, and what kind of thing it is.

Reads at QUORUM may miss what is decided and not yet committed everywhere; serial reads complete it first. What no
replica answered to is thrown into the core as StoreUnavailable where it was a read; a plain write is then not
acknowledged, a conditional one Unknown. Nothing repeats a request but a core.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from headwater.engines.cassandra.protocol.replies import Answer

__all__ = ["ConditionalWrite", "Pause", "PlainWrite", "QuorumRead", "Request", "SerialRead"]

R_co = TypeVar("R_co", covariant=True)
Row_co = TypeVar("Row_co", covariant=True)


class Request(msgspec.Struct, Generic[R_co], frozen=True):
    """Something to be done, answered with an R."""


class QuorumRead(Request[R_co], Generic[R_co], frozen=True):
    """A read at QUORUM."""


class SerialRead(Request[R_co], Generic[R_co], frozen=True):
    """A read at SERIAL: whatever was decided before it is in its reply."""


class PlainWrite(Request[bool], frozen=True):
    """A write at QUORUM with a timestamp of its own, the same whoever makes it: True once it is acknowledged."""

    timestamp: int


class ConditionalWrite(Request[Answer[Row_co]], Generic[Row_co], frozen=True):
    """A compare-and-set at SERIAL, committed at QUORUM: repeated by nobody but the core."""


class Pause(Request[None], frozen=True):
    """A while, longer each time: somebody else is about to finish."""
