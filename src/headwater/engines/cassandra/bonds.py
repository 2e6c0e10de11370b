"""Bonds of a store, in the row of its identity, which is compared and set."""

from __future__ import annotations

from typing import cast

from headwater.domain.bonds import Bonds
from headwater.engines.cassandra.log import CassandraLog
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.tables.place_table import PlaceTable

__all__ = ["KeptBonds"]


class KeptBonds:
    def __init__(self, session: Session, log: CassandraLog, places: PlaceTable) -> None:
        self._session = session
        self._log = log
        self._places = places
        self.is_copy = False
        """Whether the store is a copy, as it was looked at last; one in use never becomes a copy."""

    async def look(self) -> Bonds:
        """As they are."""
        row = await self._session.row("read_bonds", serially=True)
        store_id, follows, copy_of, copying = cast("tuple[str, str | None, str | None, bool]", row)
        self.is_copy = copy_of is not None
        return Bonds(store_id, follows, copy_of, copying)

    async def follow(self, store_id: str) -> None:
        """See `Engine.follow`."""
        bonds = await self.look()
        if bonds.follows is None and not bonds.copying:
            of = bonds.store_id if await self._has_checkpoints() else store_id
            await self._session.compare_and_set(("follow_log", (of,)))
            bonds = await self.look()
        bonds.check_follows(store_id)

    async def begin_copy(self, store_id: str) -> None:
        """See `Imports.begin`."""
        bonds = await self.look()
        if bonds.follows is None and (bonds.copy_of == store_id or (bonds.copy_of is None and await self._is_empty())):
            await self._session.compare_and_set(("begin_copy", (store_id, bonds.copy_of)))
            bonds = await self.look()
        bonds.check_becomes(store_id)

    async def finish_copy(self) -> None:
        """See `Imports.finish`."""
        await self._session.compare_and_set(("finish_copy", ()))

    async def _has_checkpoints(self) -> bool:
        """Whether projections have run that did not say which log they follow: so it is this store's own."""
        return any([await self._places.read_part(key) for key in await self._places.keys()])

    async def _is_empty(self) -> bool:
        return not any([await self._log.head(part) for part in range(self._log.partitions)])
