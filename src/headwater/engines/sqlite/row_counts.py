"""Counts of changes: by read model, moved in the transaction that changes what is served."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import apsw

from headwater.engines.sqlite.statements import Statements

__all__ = ["changes_of", "count_changes"]


def count_changes(connection: apsw.Connection, sql: Statements, tables: Iterable[str]) -> None:
    """Move the counts of served tables, by name, inside the caller's transaction."""
    for name in tables:
        connection.execute(sql["count_change"], (name,))
        if connection.changes() == 0:
            connection.execute(sql["count_first_change"], (name,))


def changes_of(connection: apsw.Connection, sql: Statements, tables: Sequence[str]) -> Sequence[int]:
    """The count of each; 0 for one that nobody has changed."""
    found = [connection.execute(sql["read_changes"], (name,)).get for name in tables]
    return [cast("int", changes or 0) for changes in found]
