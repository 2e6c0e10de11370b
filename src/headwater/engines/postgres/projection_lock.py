"""Projection lock: shared by who writes to a projection's generations, had alone by who changes which there are.

It is taken with the BEGIN of a transaction and held to its end, and only what looks afterwards sees which generation
is served and where its rows lie: nothing about generations is kept in between. So a commit under way is finished before
the tables it writes to are renamed, and the next one finds them under their new names. Two stores in one database have
locks of their own; two names that meet in one number wait for each other now and then, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from headwater.engines.postgres.append_locks import signed
from headwater.engines.postgres.statements import Statements

__all__ = ["begin_alone", "begin_shared", "share"]


def begin_shared(sql: Statements, projection: str) -> str:
    """What begins a transaction that writes to generations of a projection, or reads where one has its rows."""
    return f"BEGIN; {share(sql, [projection])}"


def begin_alone(sql: Statements, projection: str) -> str:
    """What begins a transaction that changes which generations there are, or the tables they have."""
    return f"BEGIN; SELECT pg_advisory_xact_lock({_class(sql)}, {_number(projection)})"


def share(sql: Statements, projections: Iterable[str]) -> str:
    """What takes the locks of several projections in a transaction under way."""
    numbers = sorted(set(map(_number, projections)))
    return "; ".join(f"SELECT pg_advisory_xact_lock_shared({_class(sql)}, {number})" for number in numbers)


def _class(sql: Statements) -> int:
    return signed(crc32(f"headwater projections {sql.schema}".encode()))


def _number(projection: str) -> int:
    return signed(crc32(projection.encode("utf-8", "surrogatepass")))
