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
        self._chunks: dict[str, int] = {}
        """Of streams that have more than one, the last that was seen: it stays when all else is doubtful."""
        self._commands = 0

    def find(self, stream: str) -> Standing | None:
        return self._standings.get(stream)

    def chunk_of(self, stream: str) -> int:
        """The chunk of a stream to begin to look at."""
        return self._chunks.get(stream, 0)

    def keep(self, stream: str, standing: Standing) -> None:
        """Remember it, and forget the oldest."""
        self.forget(stream)
        self._standings[stream] = standing
        if standing.place.chunk:
            self._chunks.pop(stream, None)
            self._chunks[stream] = standing.place.chunk
            if len(self._chunks) > _STREAMS:
                del self._chunks[next(iter(self._chunks))]
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
        self._chunks.clear()
        self._commands = 0
