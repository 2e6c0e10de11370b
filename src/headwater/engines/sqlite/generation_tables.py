"""Tables of generations: made beside the served ones, renamed when they take their place.

What is served has the plain name that queries read, what is not a name that no model can have, and its search index
with it. Indexes keep the names they were made by.
"""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import apsw
import msgspec

from headwater.engines.sql.declaration import Declaration
from headwater.engines.sqlite.connection import has_table
from headwater.engines.sqlite.read_model_schema import make_anew, stored_declaration
from headwater.engines.sqlite.read_model_tables import index, kept_orders
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.table import quoted, table_of
from headwater.errors import StoreMismatch
from headwater.models.model import ReadModel

__all__ = ["drop_tables", "existing", "make_beside", "rename_tables"]


def make_beside(connection: apsw.Connection, sql: Statements, models: Iterable[type[ReadModel]], beside: str) -> None:
    """Empty tables with the indexes of the class and of the table that is served.

    Raises StoreMismatch where a table of such a name, or of the model's own, is there that is no read model's.
    """
    for model in models:
        served, table = table_of(model), table_of(model, beside)
        stored_declaration(connection, sql, served)
        make_anew(connection, sql, [table])
        for order in kept_orders(connection, sql, served):
            index(connection, sql, table, order)


def rename_tables(connection: apsw.Connection, sql: Statements, names: Iterable[str], before: str, after: str) -> None:
    """Names that end with `before` end with `after` from now on. Raises StoreMismatch for one that is taken."""
    for name in existing(connection, sql, names, before):
        has_search = _declared(connection, sql, name + before).has_search
        _rename(connection, name + before, name + after)
        if has_search:
            _rename(connection, f"{name}{before}__search", f"{name}{after}__search")
        connection.execute(sql["rename_declaration"], (name + after, name + before))


def drop_tables(connection: apsw.Connection, sql: Statements, names: Iterable[str], beside: str) -> None:
    """Tables that are not served, with all that is known of them."""
    for name in existing(connection, sql, names, beside):
        if _declared(connection, sql, name + beside).has_search:
            connection.execute(f"DROP TABLE {quoted(f'{name}{beside}__search')}")
        connection.execute(f"DROP TABLE {quoted(name + beside)}")
        connection.execute(sql["delete_declaration"], (name + beside,))


def existing(connection: apsw.Connection, sql: Statements, names: Iterable[str], beside: str) -> list[str]:
    """Those among them that are tables of read models."""
    return [name for name in names if connection.execute(sql["find_declaration"], (name + beside,)).get is not None]


def _declared(connection: apsw.Connection, sql: Statements, stored: str) -> Declaration:
    declaration = connection.execute(sql["find_declaration"], (stored,)).get
    return msgspec.json.decode(cast("str", declaration), type=Declaration)


def _rename(connection: apsw.Connection, before: str, after: str) -> None:
    if has_table(connection, after):
        raise StoreMismatch(f"a table {after!r} is there that no generation made: give it another name, or drop it")
    connection.execute(f"ALTER TABLE {quoted(before)} RENAME TO {quoted(after)}")
