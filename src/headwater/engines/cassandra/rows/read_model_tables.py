"""Tables of read models: made, given new columns and indexes, and dropped, while others do the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

from headwater.engines.cassandra.rows.catalogue import Catalogue, Known
from headwater.engines.cassandra.rows.cells import is_indexable, type_of
from headwater.engines.cassandra.rows.search_words import write_default_words
from headwater.engines.cassandra.rows.table import OWN_COLUMNS, Table, physical
from headwater.engines.cassandra.session import Session
from headwater.engines.sql.declaration import declared, new_fields
from headwater.errors import StoreMismatch
from headwater.models.fields import Field

__all__ = ["ReadModelTables", "declared_indexes"]

_DIGEST: Final = 10
_MADE_BY_ANOTHER: Final = 10.0
"""Seconds for whoever said that a table is to be made, before another makes it."""
_BUILT: Final = 600.0
"""Seconds to wait for an index. Whoever asks before it is built looks at all rows instead."""
_POLL: Final = 0.05


class ReadModelTables:
    """What two processes make at once is made once: by the one that says so first, the other waits for it."""

    def __init__(self, session: Session, keyspace: str, catalogue: Catalogue) -> None:
        """`keyspace` is its name, without quotation marks."""
        self._session = session
        self._keyspace = keyspace
        self._catalogue = catalogue

    async def ensure(self, tables: Sequence[Table]) -> None:
        """Make what is missing. Raises StoreMismatch for a table that does not fit, or is no read model's."""
        if not tables:
            return
        there = await self._there()
        for table in tables:
            known = await self._catalogue.find(table)
            if known is None and not await self._begun(table, there):
                there = await self._appeared(table)
                known = await self._catalogue.find(table)
            new = [] if known is None else new_fields(table.schema, known.declaration)
            await self._make(table, there)
            if known is not None and known.declaration != declared(table.schema):
                await self._extend(table, known, new)
            await self._catalogue.orders.keep(table)
        await self._index(tables)

    async def drop(self, name: str, number: int) -> None:
        """A generation's table of a read model, with all that is known of it; nothing where there is none."""
        orders = await self._catalogue.orders.names(name, number)
        for each in (*orders, physical("rm", name, number), physical("rw", name, number)):
            dropped = f'"{self._keyspace}"."{each}"'
            await self._session.run(f"DROP TABLE IF EXISTS {dropped}")
            self._session.forget(dropped)
        await self._catalogue.forget(name, number)

    async def _begun(self, table: Table, there: Iterable[str]) -> bool:
        """Say that it is to be made; False where another has just said so."""
        for name in {table.physical, table.physical_words}.intersection(there):
            raise StoreMismatch(
                f"a table {name!r} is there that was not made for {table.schema.model.__name__}: "
                "give it another table=, or drop that one"
            )
        return await self._catalogue.insert(table)

    async def _appeared(self, table: Table) -> set[str]:
        """The tables that are there, once this one is, or whoever was to make it has not."""
        wanted, waited = {table.physical, *([table.physical_words] if table.searched else [])}, 0.0
        while not wanted <= (there := await self._there()) and waited < _MADE_BY_ANOTHER:
            await asyncio.sleep(_POLL)
            waited += _POLL
        return there

    async def _extend(self, table: Table, known: Known, new: Sequence[str]) -> None:
        """New fields: no row is written for them, but that the words of their defaults lead to the rows there are."""
        for name in new:
            column = f'"{name}" {type_of(table.schema.fields[name])}'
            await self._session.run(f"ALTER TABLE {table.name} ADD IF NOT EXISTS {column}")
        await write_default_words(self._session, table, new)
        await self._catalogue.update(table, known, new)

    async def _make(self, table: Table, there: Iterable[str]) -> None:
        if table.physical not in there:
            columns = [f'"{name}" {type_of(field)}' for name, field in table.schema.fields.items()]
            columns += [f'"{name}" {type}' for name, type in OWN_COLUMNS.items()]
            key = f'PRIMARY KEY (({table.key}), "_part", "_replayed")'
            await self._session.run(f"CREATE TABLE IF NOT EXISTS {table.name} ({', '.join(columns)}, {key})")
        if table.searched and table.physical_words not in there:
            columns = [f"prefix text, word text, key {type_of(table.key_field)}"]
            key = "PRIMARY KEY ((prefix), word, key)"
            await self._session.run(f"CREATE TABLE IF NOT EXISTS {table.words} ({', '.join(columns)}, {key})")

    async def _index(self, tables: Sequence[Table]) -> None:
        """Make the indexes that are missing, and wait until they can be asked."""
        made: set[str] = set()
        for table in tables:
            more = await self._catalogue.indexed(table.schema.table)
            wanted = {_index_name(table, field): field for field in declared_indexes(table, more)}
            found = await self._session.rows("list_indexes", self._keyspace, table.physical)
            for name in wanted.keys() - {str(name) for (name,) in found}:
                on = f"{table.name} (\"{wanted[name].name}\") USING 'StorageAttachedIndex'"
                await self._session.run(f"CREATE CUSTOM INDEX IF NOT EXISTS {name} ON {on}")
                made.add(name)
        await self._built(made)

    async def _built(self, names: set[str]) -> None:
        waited = 0.0
        while names and waited < _BUILT:
            found = await self._session.rows("list_built_indexes", self._keyspace)
            names = names - {str(name) for (name,) in found}
            await asyncio.sleep(_POLL if names else 0)
            waited += _POLL

    async def _there(self) -> set[str]:
        return {str(name) for (name,) in await self._session.rows("list_tables", self._keyspace)}


def declared_indexes(table: Table, more: Iterable[str] = ()) -> list[Field]:
    """Fields that have an index: those the class asks for, the first of each of its orders, and more of them."""
    firsts = {order[0].field for order in table.schema.orders}
    return [
        field
        for name, field in table.schema.fields.items()
        if (field.indexed or name in firsts or name in more) and name != table.schema.key and is_indexable(field)
    ]


def _index_name(table: Table, field: Field) -> str:
    digest = blake2b(f"{table.physical}.{field.name}".encode(), digest_size=_DIGEST).hexdigest()
    return f"rx_{digest}"
