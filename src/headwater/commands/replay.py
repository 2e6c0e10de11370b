"""Replay: the first outcome of a command, from its record."""

from __future__ import annotations

import msgspec

from headwater.domain.append import CommandRecord, Written
from headwater.domain.registry import Registry
from headwater.domain.stream import StreamId
from headwater.errors import BadDeclaration, DecodingError, UnknownName
from headwater.handling.returns import declared_result
from headwater.ports.event_store import EventStore

__all__ = ["Replay", "result_type"]


class Replay:
    """Reads back results and events of committed commands."""

    def __init__(self, events: EventStore, registry: Registry) -> None:
        self._events = events
        self._registry = registry

    async def outcome(self, record: CommandRecord) -> tuple[object, tuple[object, ...]]:
        """The result and the events of a committed command."""
        try:
            declared = result_type(self._registry.class_of(record.name))
        except UnknownName:
            declared = object
        try:
            result = msgspec.json.decode(record.result, type=declared)
        except msgspec.MsgspecError as error:
            raise DecodingError(f"the kept result of {record.name} is no {declared}: {error}") from error
        return result, tuple([event for written in record.writes for event in await self._written(written)])

    async def _written(self, written: Written) -> list[object]:
        stored = await self._events.load(StreamId.parse(written.stream), written.first - 1, written.last)
        return self._registry.decode_many([(e.type, e.schema, e.data) for e in stored if e.topic is None])


def result_type(command: type) -> object:
    """The R of `Command[R]`; raises BadDeclaration if results of this type cannot be kept as JSON."""
    declared = declared_result(command)
    try:
        msgspec.json.Decoder(declared)
    except (TypeError, NameError) as error:
        raise BadDeclaration(f"{command.__name__} returns {declared}, which cannot be kept as JSON: {error}") from error
    return declared
