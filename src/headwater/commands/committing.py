"""Committer: turns what a handler staged into one append, and the store's answer into an outcome."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.commands.context import CommandContext, Staged
from headwater.commands.fingerprint import fingerprint
from headwater.commands.results import Results
from headwater.domain.append import Append, Appended, CommandRecord, Write
from headwater.domain.boundary import AppendCondition
from headwater.domain.event import NewEvent
from headwater.domain.metadata import Context
from headwater.domain.registry import Registry
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion
from headwater.errors import BadDeclaration
from headwater.handling.ids import uuid7
from headwater.ports.atomic_appends import AtomicAppends
from headwater.ports.boundaries import BoundaryAppends
from headwater.ports.event_store import EventStore
from headwater.projections.inline import InlineAppender

__all__ = ["Committer"]

_encode = msgspec.json.Encoder().encode


class Committer:
    """Encodes events and commits appends, with or without a command around them."""

    def __init__(self, events: EventStore, registry: Registry) -> None:
        self._events = events
        self._registry = registry
        self._append_atomic = events.append_atomic if isinstance(events, AtomicAppends) else None
        self.results = Results()
        self.inline: InlineAppender | None = None
        """Set at start-up where projections run inline."""

    def encode(self, event: object, topic: str | None = None) -> NewEvent:
        """A registered event, encoded, with a fresh id; InvalidMessage if it could not be read back."""
        name, schema, data = self._registry.encode_readable(event)
        return NewEvent(uuid7(), name, schema, data, topic, self._registry.tags_of(event) if topic is None else ())

    async def commit(self, append: Append) -> Appended:
        """Hand the append to the store's fitting door."""
        if self.inline is not None and append.writes:
            return await self.inline.append(append)
        if append.conditions:
            return await self._append_within(append)
        if len(append.writes) == 1 and not append.checks and not append.changes:
            return await self._events.append(append)
        if self._append_atomic is None:
            raise BadDeclaration(
                "this engine commits one stream at a time: split the command, or let a process manager carry on"
            )
        return await self._append_atomic(append)

    async def commit_command(self, context: CommandContext, command: object, result: object) -> Appended | None:
        """Commit what a command staged, with its record; None where there is nothing to commit or to remember."""
        staged = context.staged or Staged()
        if not staged.writes and not staged.published and context.given_id is None:
            return None
        described = context.event_context()
        append = Append(
            writes=self._with_published(staged, described),
            context=_encode(described),
            command=self._record(context.command_id, command, result, described.principal),
            checks=tuple(staged.checks),
            conditions=tuple([AppendCondition(*each) for each in staged.conditions.items()]),
        )
        context.sent = append
        return await self.commit(append)

    async def _append_within(self, append: Append) -> Appended:
        if not isinstance(self._events, BoundaryAppends):
            raise BadDeclaration("this engine has no boundaries: decide within one stream, or claim a unique key")
        return await self._events.append_within(append)

    def _record(self, id: str, command: object, result: object, principal: str | None) -> CommandRecord:
        name, digest = fingerprint(self._registry, command)
        encoded = self.results.encode(command, result)
        return CommandRecord(id=id, name=name, fingerprint=digest, result=encoded, principal=principal)

    def _with_published(self, staged: Staged, context: Context) -> tuple[Write, ...]:
        """The writes, with what was published and not saved as hidden rows of the first stream."""
        saved = {id(event) for event in staged.events}
        hidden = tuple(self.encode(event, topic) for topic, event in staged.published if id(event) not in saved)
        if not hidden:
            return tuple(staged.writes)
        if not staged.writes:
            stream = StreamId("published", context.command_id or "none")
            return (Write(stream=stream, expected=AnyVersion(), events=hidden),)
        first: Write = staged.writes[0]
        rest: Sequence[Write] = staged.writes[1:]
        return (msgspec.structs.replace(first, events=first.events + hidden), *rest)
