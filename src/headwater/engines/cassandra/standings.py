"""Standings: where streams stand, as this process saw them last, so that most appends need no read."""

from __future__ import annotations

from typing import Final

import msgspec

from headwater.domain.append import CommandRecord
from headwater.engines.cassandra.protocol.place import Place

__all__ = ["Standing", "Standings"]

_STREAMS: Final = 10_000
_COMMANDS: Final = 200_000


class Standing(msgspec.Struct, frozen=True):
    """A stream that nobody else may have written to since. An append is conditioned on that, so it is no promise."""

    place: Place
    commands: dict[str, CommandRecord] = {}
    """Known to be committed to it, by id."""
    is_complete: bool = False
    """Whether they are all there are at or below the place."""
    is_fresh: bool = True
    """Whether it was looked at for the append at hand."""

    def after(self, place: Place, record: CommandRecord | None) -> Standing:
        """After an append of its own, by a command or none."""
        commands = self.commands if record is None else {**self.commands, record.id: record}
        return Standing(place, commands, self.is_complete)


class Standings:
    """The latest ones, by stream."""

    def __init__(self) -> None:
        self._standings: dict[str, Standing] = {}
        self._commands = 0

    def find(self, stream: str) -> Standing | None:
        return self._standings.get(stream)

    def keep(self, stream: str, standing: Standing) -> None:
        """Remember it, and forget the oldest."""
        self.forget(stream)
        self._standings[stream] = standing
        self._commands += len(standing.commands)
        while len(self._standings) > _STREAMS or (self._commands > _COMMANDS and len(self._standings) > 1):
            self.forget(next(iter(self._standings)))

    def forget(self, stream: str) -> None:
        """What it was is doubtful."""
        standing = self._standings.pop(stream, None)
        if standing is not None:
            self._commands -= len(standing.commands)

    def clear(self) -> None:
        self._standings.clear()
        self._commands = 0
