"""Conditions: rows of their own, compared and set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, cast

import msgspec

from headwater.domain.free_text import told
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.tables.bodies import encoded
from headwater.errors import StoreBusy
from headwater.ports.conditions import Pause, Trouble
from headwater.ports.place import Place

__all__ = ["CassandraConditions"]

_PAUSE: Final = "pause"
_TROUBLE: Final = "trouble"
_TRIES: Final = 50

_Key: TypeAlias = tuple[str, str, int, int, int]
"""Which sort, projection, generation, partition, key range."""

_pause = msgspec.json.Decoder(Pause).decode
_trouble = msgspec.json.Decoder(Trouble).decode


class CassandraConditions:
    def __init__(self, session: Session, committed: Callable[[], None]) -> None:
        self._session = session
        self._committed = committed

    async def pause(self, pause: Pause) -> None:
        kept = msgspec.structs.replace(pause, by=told(pause.by), reason=told(pause.reason))
        await self._write(_pause_key(pause.projection), encoded(kept))

    async def resume(self, projection: str) -> bool:
        return await self._delete(_pause_key(projection))

    async def pauses(self) -> Sequence[Pause]:
        return sorted([_pause(body) for body in await self._all(_PAUSE)], key=lambda pause: pause.projection)

    async def report(self, place: Place, trouble: Trouble | None) -> None:
        if trouble is None:
            await self._delete(_trouble_key(place))
        else:
            kept = msgspec.structs.replace(trouble, error=told(trouble.error), owner=told(trouble.owner))
            await self._write(_trouble_key(place), encoded(kept))

    async def troubles(self) -> Sequence[Trouble]:
        return sorted([_trouble(body) for body in await self._all(_TROUBLE)], key=lambda trouble: trouble.place)

    async def forget(self, projection: str, generation: int) -> None:
        """The troubles of a generation that there is no longer."""
        for trouble in await self.troubles():
            if (trouble.place.projection, trouble.place.generation) == (projection, generation):
                await self._delete(_trouble_key(trouble.place))

    async def _all(self, sort: str) -> list[bytes]:
        rows = cast("list[tuple[str, bytes]]", await self._session.rows("list_conditions"))
        return [body for kind, body in rows if kind == sort]

    async def _write(self, key: _Key, body: bytes) -> None:
        for _ in range(_TRIES):
            for step in (("insert_condition", (*key, body)), ("update_condition", (body, *key))):
                if await self._session.compare_and_set(step) is None:
                    self._committed()
                    return
        raise StoreBusy("what keeps a projection from going on is changed by others all the time: try again later")

    async def _delete(self, key: _Key) -> bool:
        is_there = await self._session.compare_and_set(("delete_condition", key)) is None
        if is_there:
            self._committed()
        return is_there


def _pause_key(projection: str) -> _Key:
    return _PAUSE, projection, 0, 0, 0


def _trouble_key(place: Place) -> _Key:
    return _TROUBLE, place.projection, place.generation, place.partition, place.key_range
