"""Repository: aggregates by id."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Generic, TypeVar

from headwater.commands.committing import Committer
from headwater.commands.context import CommandContext, current_command
from headwater.commands.snapshotting import AggregateSnapshots
from headwater.domain.aggregate import Aggregate
from headwater.domain.append import Append, Check, UniqueKey, Write
from headwater.domain.identifier import check_id
from headwater.domain.registry import Registry
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact
from headwater.errors import AggregateNotFound, InvalidInput, WrongExpectedVersion
from headwater.ports.event_store import EventStore
from headwater.ports.snapshots import Snapshots
from headwater.ports.unique_keys import UniqueKeys

__all__ = ["Repository"]

A = TypeVar("A", bound=Aggregate)
_log = logging.getLogger("headwater.snapshots")


class Repository(Generic[A]):
    """Loads aggregates of one class by folding their events, and saves what they emitted.

    Inside a command handler a save is *staged*: the bus commits it, with the command's record and result, in one
    append after the handler returned; so a second stream needs `save_all`, and a taken unique key or a version
    conflict is raised by `execute`, not by `save`. Outside a handler a save commits at once.
    """

    def __init__(
        self,
        aggregate: type[A],
        events: EventStore,
        unique_keys: UniqueKeys,
        registry: Registry,
        committer: Committer,
        snapshots: Snapshots,
    ) -> None:
        self.aggregate = aggregate
        self._events = events
        self._unique_keys = unique_keys
        self._registry = registry
        self._committer = committer
        self._snapshots = AggregateSnapshots(aggregate, snapshots)

    async def get_by_id(self, id: str) -> A | None:
        """The aggregate as of now, what the running command staged included; None if it has no events."""
        aggregate = self.aggregate(id)
        context = current_command.get()
        if context is None:
            await self._fold(aggregate)
        elif self.aggregate.snapshot_every is not None:
            await self._fold(aggregate)
            context.remember(str(aggregate.stream), aggregate.version, [])
        else:
            await self._fold_again(aggregate, context)
        if context is not None:
            aggregate.evolve(context.staged_events(aggregate.stream))
        return aggregate if aggregate.version else None

    async def load(self, id: str) -> A:
        """The aggregate as of now; raises AggregateNotFound if it has no events."""
        aggregate = await self.get_by_id(id)
        if aggregate is None:
            raise AggregateNotFound(str(StreamId(self.aggregate.category, id)))
        return aggregate

    async def save(self, aggregate: A) -> None:
        """Commit (or stage, see above) what the aggregate emitted, and mark it as committed."""
        await self.save_all(aggregate)

    async def save_all(self, *aggregates: Aggregate, check: Sequence[Aggregate] = ()) -> None:
        """Save aggregates of any classes in one append, on condition that those in `check` have not changed.

        Outside a handler that is looked at even where there is nothing to write.
        """
        changed = [aggregate for aggregate in aggregates if aggregate.get_uncommitted_events()]
        writes = tuple(self._write(aggregate) for aggregate in changed)
        events = [event for aggregate in changed for event in aggregate.get_uncommitted_events()]
        checks = [Check(aggregate.stream, Exact(aggregate.committed_version)) for aggregate in check]
        context = current_command.get()
        staged = None if context is None else context.staging()
        if staged is not None:
            staged.stage(writes, checks, events)
        elif writes:
            await self._committer.commit(Append(writes=writes, checks=tuple(checks)))
        else:
            await self._hold(checks)
        for aggregate in changed:
            aggregate.mark_events_as_committed()

    async def exists(self, id: str | None = None, *, unique: tuple[str, str] | None = None) -> bool:
        """True if the aggregate has events, or if any stream holds the unique key (scope, value)."""
        if (id is None) == (unique is None):
            raise InvalidInput("exists() takes an id or unique=(scope, value)")
        if unique is not None:
            scope, value = unique
            key = UniqueKey(check_id(scope, "unique scope", 64), check_id(value, "unique value"))
            return await self._unique_keys.holder(key) is not None
        return await self._events.head(StreamId(self.aggregate.category, check_id(id or "", "aggregate id"))) > 0

    async def count(self) -> int:
        """How many aggregates of this class have events. Cheap."""
        return await self._events.count(self.aggregate.category)

    async def _hold(self, checks: Sequence[Check]) -> None:
        """Raise WrongExpectedVersion for a stream that is at another version."""
        for check in checks:
            head = await self._events.head(check.stream)
            if check.expected != Exact(head):
                raise WrongExpectedVersion(str(check.stream), check.expected, head)

    def _write(self, aggregate: Aggregate) -> Write:
        return Write(
            stream=aggregate.stream,
            expected=Exact(aggregate.committed_version),
            events=tuple([self._committer.encode(event) for event in aggregate.get_uncommitted_events()]),
            partition_key=aggregate.partition_key,
            claims=aggregate.claims,
            releases=aggregate.releases,
        )

    async def _fold(self, aggregate: A) -> None:
        """From the newest snapshot, or from zero if it claims more than the stream has."""
        version = await self._snapshots.restore(aggregate)
        folded, head = await self._apply_after(aggregate, version, [])
        if version > head:
            _log.warning("a snapshot of %s is ahead of its stream and is not used", aggregate.stream)
            fresh = self.aggregate(aggregate.id)
            folded, head = await self._apply_after(fresh, 0, [])
            vars(aggregate).clear()
            vars(aggregate).update(vars(fresh))
        aggregate.version = head
        await self._snapshots.keep(aggregate, folded)

    async def _fold_again(self, aggregate: A, context: CommandContext) -> None:
        """Within a retried command: fold what was read before, then read and fold what is new."""
        name = str(aggregate.stream)
        version, seen = context.recall(name)
        aggregate.evolve(seen)
        _, aggregate.version = await self._apply_after(aggregate, version, seen)
        context.remember(name, aggregate.version, seen)

    async def _apply_after(self, aggregate: A, version: int, seen: list[object]) -> tuple[int, int]:
        """Apply the stored events after a version and add them to `seen`; how many, and the stream's head."""
        found = await self._events.fold_rows(aggregate.stream, version)
        events = self._registry.decode_many(found.rows)
        aggregate.evolve(events)
        seen += events
        return len(events), found.version
