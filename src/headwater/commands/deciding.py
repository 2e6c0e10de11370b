"""Deciding: a Decider as a command handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from headwater.commands.committing import Committer
from headwater.commands.context import current_command
from headwater.domain.append import Write
from headwater.domain.decider import Decider
from headwater.domain.registry import Registry
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact
from headwater.errors import BadDeclaration
from headwater.ports.event_store import EventStore

__all__ = ["decider_routes"]


def decider_routes(
    decider: Decider[object, object, object], events: EventStore, registry: Registry, committer: Committer
) -> list[tuple[type, Callable[[object], Awaitable[int]]]]:
    """One route for each of the decider's commands: load, fold, decide, stage. The result is the new version."""

    async def decide(command: object) -> int:
        context = current_command.get()
        staged = None if context is None else context.staging()
        if context is None or staged is None:
            raise BadDeclaration("a decider is executed by a command bus that has a store")
        stream = StreamId.of(decider.category, decider.stream_id(command))
        version, seen = context.recall(str(stream))
        found = await events.fold_rows(stream, version)
        seen += registry.decode_many(found.rows)
        context.remember(str(stream), found.version, seen)
        state = decider.fold(seen)
        decided = list(decider.decide(command, state))
        if decided:
            new = tuple([committer.encode(event) for event in decided])
            staged.stage([Write(stream=stream, expected=Exact(found.version), events=new)], (), decided)
        return found.version + len(decided)

    registry.register(*decider.events)
    return [(command, decide) for command in decider.commands]
