"""Generation table: the stages of projections, read and changed by compare-and-set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar, cast

import msgspec

from headwater.engines.cassandra.errors import is_out_of_reach
from headwater.engines.cassandra.session import Session, Step
from headwater.engines.cassandra.stage import Filling, Stage, Tables
from headwater.engines.cassandra.tables.bodies import encoded
from headwater.errors import StoreBusy, StoreError

__all__ = ["GenerationTable"]

T = TypeVar("T")

_TRIES: Final = 50
"""How often a change begins anew because others changed something, before it is given up."""


class _Generations(msgspec.Struct, frozen=True):
    begun: int
    fillings: tuple[Filling, ...]


_tables = msgspec.json.Decoder(Tables).decode
_generations = msgspec.json.Decoder(_Generations).decode


class GenerationTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def read(self, projection: str, serially: bool = False) -> Stage:
        """Of one projection, as new as anything that was read before."""
        rows = await self._session.rows("read_generations", projection, serially=serially)
        stage = Stage(projection)
        for name, version, body in cast("list[tuple[str, int, bytes]]", rows):
            stage = _with_row(stage, name, version, body)
        return stage

    async def all(self) -> Sequence[Stage]:
        """By projection, those that have begun generations."""
        rows = cast("list[tuple[str, int, bytes]]", await self._session.rows("list_generations"))
        return [_with_row(Stage(name), name, version, body) for name, version, body in rows if name]

    async def tables(self) -> Tables:
        """Which tables are served."""
        return (await self.read("")).tables

    async def change(self, projection: str, deed: Callable[[Stage], tuple[Stage, T]]) -> T:
        """What a deed makes of the stage takes its place; what the deed says of it.

        The deed is done again where others were faster, and may raise. Raises StoreBusy, StoreUnavailable.
        """
        seen = await self.read(projection, serially=True)
        for _ in range(_TRIES):
            wanted, result = deed(seen)
            if wanted == seen:
                return result
            wanted = msgspec.structs.replace(wanted, version=(seen.version or 0) + 1)
            try:
                if await self._session.compare_and_set(*_steps(seen, wanted)) is None:
                    return result
            except StoreError as error:
                if not is_out_of_reach(error):
                    raise
            seen = await self.read(projection, serially=True)  # whether it was done, whatever the answer was
            if seen == wanted:
                return result
        raise StoreBusy(f"others change the generations of {projection!r} all the time: try again later")


def _with_row(stage: Stage, name: str, version: int, body: bytes) -> Stage:
    if not name:
        return msgspec.structs.replace(stage, version=version, tables=_tables(body))
    kept = _generations(body)
    return msgspec.structs.replace(stage, begun=kept.begun, fillings=kept.fillings)


def _steps(seen: Stage, wanted: Stage) -> list[Step]:
    steps: list[Step] = [("update_tables", (wanted.version, encoded(wanted.tables), seen.version))]
    if (seen.begun, seen.fillings) != (wanted.begun, wanted.fillings):
        kept = encoded(_Generations(wanted.begun, wanted.fillings))
        steps.append(("write_generations", (wanted.projection, kept)))
    return steps
