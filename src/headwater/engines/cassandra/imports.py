"""Imports: everything is looked at first; then streams grow, and the log after them, in the order given."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import chain

from headwater.domain.append import CommandRecord, UniqueKey
from headwater.domain.importing import Import, Imported, Run, check_import, new_records
from headwater.domain.stream import StreamId
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.appending.sequencer import Told
from headwater.engines.cassandra.bonds import KeptBonds
from headwater.engines.cassandra.command_log import CassandraCommandLog
from headwater.engines.cassandra.copying.copied_keys import give
from headwater.engines.cassandra.copying.copied_log import CopiedLog
from headwater.engines.cassandra.copying.copied_records import CopiedRecords
from headwater.engines.cassandra.copying.copied_streams import CopiedStreams, Growth
from headwater.engines.cassandra.copying.copy_leases import CopyLeases
from headwater.engines.cassandra.log import CassandraLog
from headwater.engines.cassandra.protocol.rows import Hint
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.together import all_of
from headwater.errors import StoreUnavailable
from headwater.limits import Limits
from headwater.ports.event_store import EventStore
from headwater.ports.imports import Origin

__all__ = ["CassandraImports"]


class CassandraImports:
    """A batch that is refused changes nothing. One that is interrupted may be there in part: given again, it is whole.
    Until the log has all of it, it is not taken."""

    def __init__(
        self,
        session: Session,
        performer: Performer,
        bonds: KeptBonds,
        leases: CopyLeases,
        log: CassandraLog,
        events: EventStore,
        commands: CassandraCommandLog,
        records: CopiedRecords,
        limits: Limits,
        told: tuple[Told, Told],
        patience: float,
    ) -> None:
        """`told` hear what has come into the log, and what is settled."""
        self._run = performer.run
        self._bonds = bonds
        self._leases = leases
        self._log = log
        self._copied_log = CopiedLog(performer, *told, patience)
        self._streams = CopiedStreams(session, performer, log.partition_of, patience)
        self._events = events
        self._commands = commands
        self._records = records
        self._limits = limits
        self._patience = patience

    def start(self, shape: Shape) -> None:
        """Take in what is for a store of this shape."""
        self._leases.are_held = False
        self._copied_log.start(shape)
        self._streams.start(shape)
        self._records.start(shape)

    async def origin(self) -> Origin | None:
        bonds = await self._bonds.look()
        return None if bonds.copy_of is None else Origin(bonds.copy_of, not bonds.copying)

    async def begin(self, store_id: str) -> None:
        await self._bonds.begin_copy(store_id)
        await self._leases.hold(store_id, self._log.partitions)

    async def take(self, batch: Import) -> Imported:
        bonds = await self._bonds.look()
        bonds.check_copying()
        runs = check_import(batch, self._limits)
        await self._leases.hold(str(bonds.copy_of), self._log.partitions)
        looked = await self._look(runs, batch)
        new, records = sum(len(growth.new) for growth in looked[0]), len(looked[1])
        ends_at = time.monotonic() + self._patience
        while True:
            try:
                await self._grow(looked[0], batch)
                await self._keep(looked[1])
                return Imported(new, records, await self._move_keys(batch))
            except StoreUnavailable:
                if time.monotonic() >= ends_at:
                    raise
            looked = await self._look(runs, batch)

    async def finish(self) -> None:
        bonds = await self._bonds.look()
        if bonds.copy_of is not None:
            await self._leases.give_back(bonds.copy_of, self._log.partitions)
        await self._bonds.finish_copy()

    async def _look(self, runs: Mapping[str, Run], batch: Import) -> tuple[Sequence[Growth], Sequence[CommandRecord]]:
        """What is still to come; what is there must be the same."""
        return await all_of([self._streams.look(run, batch) for run in runs.values()]), await self._new_records(batch)

    async def _grow(self, growing: Sequence[Growth], batch: Import) -> None:
        """All streams at once, then each partition of the log."""
        parts: dict[int, list[Growth]] = {}
        for growth in growing:
            parts.setdefault(growth.place.part, []).append(growth)
        await all_of([self._copied_log.own(part) for part in parts])
        grown = await all_of([self._streams.grow(growth, batch) for growth in growing])
        hints = {growth.place.stream: hints for growth, hints in zip(growing, grown, strict=True)}
        await all_of([self._extend(part, here, hints, batch) for part, here in parts.items()])

    async def _extend(
        self, part: int, here: Sequence[Growth], hints: Mapping[str, Sequence[Hint]], batch: Import
    ) -> None:
        streams = [growth.place.stream for growth in here]
        told = list(chain.from_iterable(hints[stream] for stream in streams))
        unknown = {growth.chunk for growth in here if not hints[growth.place.stream]}
        names = set(streams)
        given = [event for event in batch.events if event.stream in names]
        await self._copied_log.extend(part, told, unknown, given)

    async def _new_records(self, batch: Import) -> Sequence[CommandRecord]:
        if not batch.commands:
            return []
        await self._records.place_all()
        found = await all_of([self._commands.find_like(record) for record in batch.commands])
        return new_records(batch, {record.id: record for record in found if record is not None})

    async def _keep(self, records: Sequence[CommandRecord]) -> None:
        await all_of([self._commands.keep(each, each.timestamp) for each in records if each.error is not None])
        await self._records.add([record for record in records if record.error is None])

    async def _move_keys(self, batch: Import) -> int:
        """How many have changed hands."""
        return sum(await all_of([self._move_key(key, stream) for key, stream in batch.keys.items()]))

    async def _move_key(self, key: UniqueKey, stream: str | None) -> bool:
        if stream is not None and not await self._events.head(StreamId.parse(stream)):
            return False
        return await self._run(give(key, stream))
