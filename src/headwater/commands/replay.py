"""Replay: the first outcome of a command, from its record."""

from __future__ import annotations

import sys
from typing import ForwardRef, get_args, get_origin, get_type_hints

import msgspec

from headwater.domain.append import CommandRecord, Written
from headwater.domain.messages import CommandLike
from headwater.domain.registry import Registry
from headwater.domain.stream import StreamId
from headwater.errors import BadDeclaration, DecodingError, UnknownName
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
    declared = _declared(command)
    try:
        msgspec.json.Decoder(declared)
    except (TypeError, NameError) as error:
        raise BadDeclaration(f"{command.__name__} returns {declared}, which cannot be kept as JSON: {error}") from error
    return declared


def _declared(command: type) -> object:
    for owner in command.__mro__:
        for base in getattr(owner, "__orig_bases__", ()):
            origin = get_origin(base)
            if isinstance(origin, type) and issubclass(origin, CommandLike):
                (argument,) = get_args(base)
                return _resolved(argument, owner)
    return object


def _resolved(argument: object, owner: type) -> object:
    """A forward reference is looked up where the command class is declared."""
    if not isinstance(argument, ForwardRef):
        return argument
    holder = type("Holder", (), {"__annotations__": {"result": argument.__forward_arg__}})
    try:
        return get_type_hints(holder, vars(sys.modules[owner.__module__]))["result"]
    except (NameError, KeyError) as error:
        raise BadDeclaration(f"{owner.__name__}: the result type {argument.__forward_arg__!r} is not known") from error
