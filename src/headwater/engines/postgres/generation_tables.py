"""Tables of generations: made beside the served ones, renamed when they take their place.

What is served has the plain name that queries read, what is not a name that no model can have. Indexes, and whatever
else belongs to a table, keep the names they were made by.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.indexes import kept_indexes, make, missing
from headwater.engines.postgres.read_model_schema import make_anew, stored_declaration
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.table import physical, qualified, quoted, table_of
from headwater.errors import StoreMismatch
from headwater.models.model import ReadModel

__all__ = ["drop_tables", "existing", "make_beside", "rename_tables"]


async def make_beside(connection: Connection, sql: Statements, models: Iterable[type[ReadModel]], beside: str) -> None:
    """Empty tables with the indexes of the class and of the table that is served.

    Raises StoreMismatch where a table of such a name, or of the model's own, is there that is no read model's.
    """
    for model in models:
        served, table = table_of(sql.schema, model), table_of(sql.schema, model, beside)
        await stored_declaration(connection, sql, served)
        await make_anew(connection, sql, [table])
        kept = await kept_indexes(connection, sql, served)
        await make(connection, table, await missing(connection, sql, table, kept))


async def rename_tables(connection: Connection, sql: Statements, names: Iterable[str], before: str, after: str) -> None:
    """Names that end with `before` end with `after` from now on. Raises StoreMismatch for one that is taken."""
    for name in await existing(connection, sql, names, before):
        target = physical(name + after)
        if await connection.fetchval(sql["has_table"], qualified(sql.schema, name + after)):
            raise StoreMismatch(
                f"a table {target!r} is there that no generation made: give it another name, or drop it"
            )
        await connection.execute(f"ALTER TABLE {qualified(sql.schema, name + before)} RENAME TO {quoted(target)}")
        await connection.execute(sql["rename_declaration"], name + after, name + before)


async def drop_tables(connection: Connection, sql: Statements, names: Iterable[str], beside: str) -> None:
    """Tables that are not served, with all that is known of them."""
    for name in await existing(connection, sql, names, beside):
        await connection.execute(f"DROP TABLE {qualified(sql.schema, name + beside)}")
        await connection.execute(sql["delete_declaration"], name + beside)


async def existing(connection: Connection, sql: Statements, names: Iterable[str], beside: str) -> list[str]:
    """Those among them that are tables of read models, by name: whoever locks several does it in one sequence."""
    wanted = {name + beside: name for name in names}
    rows = await connection.fetch(sql["find_declarations"], list(wanted))
    return [wanted[stored] for (stored,) in cast("list[tuple[str]]", rows)]
