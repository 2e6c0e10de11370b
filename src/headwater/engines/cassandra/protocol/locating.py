"""Locating: the place of a stream's next append, and whether its command has been there before."""

from __future__ import annotations

import msgspec

from headwater.engines.cassandra.protocol.core import Core, ask
from headwater.engines.cassandra.protocol.place import Place
from headwater.engines.cassandra.protocol.requests import ReadCommand, ReadCommandSerially, ReadStatics
from headwater.engines.cassandra.protocol.rows import CommandSeen, Statics
from headwater.engines.cassandra.protocol.shape import Shape

__all__ = ["Found", "locate", "look_up"]


class Found(msgspec.Struct, frozen=True):
    """Where a stream stands, and what a command has committed there."""

    place: Place
    committed: CommandSeen | None
    """None: nothing, over the last C events at least."""


def locate(part: int, stream: str, shape: Shape, known: int = 0) -> Core[Place]:
    """The place of the next append (1.1); `known` is a chunk that had a head when it was last looked at."""
    place = Place(part, stream, known, 0, None, None)
    while True:
        seen = yield from ask(ReadStatics(stream, place.chunk))
        place = _at(place, seen)
        if place.version >= shape.chunk_end(place.chunk):
            place = _behind(place)  # that head is final
        elif seen.head is not None or place.chunk == 0 or place.version > 0:
            return place
        else:  # not visible any more: no place without the head of the chunk before
            place = msgspec.structs.replace(place, chunk=place.chunk - 1)


def look_up(part: int, stream: str, command: str, shape: Shape, known: int = 0) -> Core[Found]:
    """The place of the next append, proved to be without the command up to its version (1.6).

    Head and rows of a chunk are of one read that shows every row up to that head, and the append is conditioned on that
    head: so looking and appending are one.
    """
    place = yield from locate(part, stream, shape, known)
    while True:
        seen = yield from _look(stream, place.chunk, command)
        place = _at(place, seen.statics)
        if seen.row is not None:
            return Found(place, seen)
        if place.version < shape.chunk_end(place.chunk):
            break
        place = _behind(place)
    if place.chunk > 0:  # whose head is final
        seen = yield from _look(stream, place.chunk - 1, command, shape.chunk_end(place.chunk - 1))
    return Found(place, None if seen.row is None else seen)


def _at(place: Place, seen: Statics) -> Place:
    """The place by the statics of its chunk; where that has no head, the stream stands where the chunk before ends."""
    if seen.head is None:
        return msgspec.structs.replace(place, head=None, fence=seen.fence)
    time = place.time if seen.time is None else seen.time
    return Place(place.part, place.stream, place.chunk, seen.head, seen.head, seen.fence, time, seen.partition_key)


def _behind(place: Place) -> Place:
    """The place in the next chunk: what the stream is, and nothing of a chunk that was not looked at."""
    return msgspec.structs.replace(place, chunk=place.chunk + 1, head=None, fence=None)


def _look(stream: str, chunk: int, command: str, final: int = 0) -> Core[CommandSeen]:
    """Serially, but for the first chunk, where a read at QUORUM may show itself that no row up to its head is missing.

    Args:
        final: what the head of a chunk that takes no append any more must have reached. A lower one is of the past, and
            no append would be refused for it.
    """
    if chunk == 0:
        seen = yield from ask(ReadCommand(stream, chunk, command))
        if seen.rows == seen.highest == (seen.statics.head or 0) >= final:
            return seen
    return (yield from ask(ReadCommandSerially(stream, chunk, command)))
