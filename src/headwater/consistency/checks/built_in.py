"""Built-in checks: those every store should pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Protocol

from headwater.consistency.checks.check import ConsistencyCheck, PartwiseCheck, Repair
from headwater.consistency.checks.checkpoints import CheckpointsWithinLog
from headwater.consistency.checks.keys import ClaimsOf, UniqueKeyHolders
from headwater.consistency.checks.rows import RowHashes
from headwater.consistency.checks.streams import StreamHeads
from headwater.consistency.manager import HasConsistencyParts
from headwater.errors import UnknownName
from headwater.ports.admin import Admin
from headwater.ports.event_store import EventStore
from headwater.ports.unique_keys import UniqueKeys

__all__ = ["HasStore", "StorePorts", "built_in_checks"]


class StorePorts(Protocol):
    """An engine, as far as the checks need one."""

    @property
    def admin(self) -> Admin: ...

    @property
    def events(self) -> EventStore: ...

    @property
    def unique_keys(self) -> UniqueKeys: ...


class HasStore(HasConsistencyParts, Protocol):
    """An application with its engine: CQRSManager is one."""

    @property
    def engine(self) -> StorePorts: ...


def built_in_checks(
    application: HasStore,
    *,
    limit: int = 1_000,
    sample: int = 10_000,
    every: float | timedelta | None = None,
    claims_of: ClaimsOf | None = None,
    repairs: Mapping[str, Repair] | None = None,
    without: Collection[str] = (),
) -> list[ConsistencyCheck]:
    """`stream_heads`, `checkpoints`, `unique_keys`, and `rows_<projection>` for each projection that writes rows.

    Each compares what is of one moment, so none waits for projections. `limit` streams, events or keys make a part,
    `sample` rows; `every` is how often the schedule looks; `repairs` are the `on_inconsistency` of some, by name;
    `without` names those to leave out. Raises UnknownName for a name that is none of theirs.
    """
    parts, engine = application.projection_parts(), application.engine
    checks: dict[str, PartwiseCheck] = {
        "stream_heads": StreamHeads(engine.admin, engine.events, parts.log, limit=limit),
        "checkpoints": CheckpointsWithinLog(parts.store, parts.log),
        "unique_keys": UniqueKeyHolders(
            engine.unique_keys, engine.events, parts.registry, claims_of=claims_of, limit=limit
        ),
    }
    rows: dict[str, PartwiseCheck] = {
        f"rows_{name}": RowHashes(parts, projection, sample=sample)
        for name, projection in application.synchronizer.projections.items()
        if projection.writes
    }
    every_check, mended = {**checks, **rows}, repairs or {}
    for name in (*mended, *without):
        if name not in every_check:
            raise UnknownName(f"no built-in check {name!r}: there are {', '.join(every_check)}")
    return [
        ConsistencyCheck(name=name, check=check, on_inconsistency=mended.get(name), projections=(), every=every)
        for name, check in every_check.items()
        if name not in without
    ]
