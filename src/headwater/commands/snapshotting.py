"""Snapshots of aggregates: a cache of folded state, never trusted over events."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from typing import ClassVar, Generic, TypeVar, get_origin, get_type_hints

import msgspec

from headwater.domain.aggregate import Aggregate
from headwater.errors import BadDeclaration, StoreError
from headwater.handling.fingerprint import code_parts
from headwater.ports.snapshots import Snapshot, Snapshots

__all__ = ["AggregateSnapshots", "fold_fingerprint"]

A = TypeVar("A", bound=Aggregate)
_log = logging.getLogger("headwater.snapshots")


class AggregateSnapshots(Generic[A]):
    """Stores and restores the annotated attributes of one aggregate class that declares `snapshot_every=`.

    A snapshot is kept under the class name and a fingerprint of its fold, so that changed code never meets old
    state. Raises BadDeclaration if an attribute's type cannot be stored as JSON.
    """

    def __init__(self, aggregate: type[A], snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._every = aggregate.snapshot_every
        self._kind = f"{aggregate.__name__}:{fold_fingerprint(aggregate)}"
        self._fields = tuple(_state_fields(aggregate))
        self._decode = _decoder(aggregate, self._fields)

    async def restore(self, aggregate: A) -> int:
        """Bring a fresh aggregate to its newest snapshot; the version reached, 0 where there is none."""
        if self._every is None:
            return 0
        kept = await self._snapshots.load(str(aggregate.stream), self._kind)
        if kept is None:
            return 0
        try:
            state = self._decode(kept.state)
        except (msgspec.MsgspecError, ValueError):
            _log.warning("the snapshot of %s does not fit %s and is not used", kept.stream, self._kind)
            return 0
        for name, _ in self._fields:
            setattr(aggregate, name, getattr(state, name))
        return kept.version

    async def keep(self, aggregate: A, folded: int) -> None:
        """Store the state of a just loaded aggregate if at least `snapshot_every` events had to be folded."""
        if self._every is None or folded < self._every:
            return
        if unknown := _own_attributes(aggregate) - {name for name, _ in self._fields}:
            _log.warning("%r is not kept as a snapshot: annotate %s on the class", aggregate, sorted(unknown))
            return
        state = self._encoded(aggregate)
        if state is None:
            _log.warning("%r is not kept as a snapshot: an attribute is not of its declared type", aggregate)
            return
        snapshot = Snapshot(stream=str(aggregate.stream), kind=self._kind, version=aggregate.version, state=state)
        try:
            await self._snapshots.save(snapshot)
        except StoreError:
            _log.warning("the snapshot of %r could not be kept", aggregate, exc_info=True)

    def _encoded(self, aggregate: A) -> bytes | None:
        """The state as JSON that reads back equal; None if there is none."""
        state = {name: getattr(aggregate, name, None) for name, _ in self._fields}
        try:
            encoded = msgspec.json.encode(state)
            restored = self._decode(encoded)
        except (TypeError, ValueError, OverflowError, RecursionError):
            return None
        return encoded if all(getattr(restored, name) == value for name, value in state.items()) else None


def fold_fingerprint(aggregate: type[Aggregate]) -> str:
    """16 hex digits over the code of the fold and the declared state; differs between Python versions, too."""
    digest = hashlib.blake2b(digest_size=8)
    for event, applier in sorted(aggregate.appliers().items(), key=lambda item: item[0].__qualname__):
        digest.update(event.__qualname__.encode())
        for part in code_parts(applier):
            digest.update(part)
    digest.update(repr(list(_state_fields(aggregate))).encode())
    return digest.hexdigest()


def _state_fields(aggregate: type[Aggregate]) -> Iterator[tuple[str, object]]:
    own = set(Aggregate.__annotations__)
    for name, hint in get_type_hints(aggregate).items():
        if name not in own and not name.startswith("_") and get_origin(hint) is not ClassVar:
            yield name, hint


def _decoder(aggregate: type[Aggregate], fields: tuple[tuple[str, object], ...]) -> Callable[[bytes], object]:
    if aggregate.snapshot_every is None:
        return msgspec.json.decode
    try:
        state = msgspec.defstruct(f"{aggregate.__name__}State", [(name, hint) for name, hint in fields])
        return msgspec.json.Decoder(state).decode
    except TypeError as error:
        raise BadDeclaration(
            f"{aggregate.__name__} declares snapshot_every= but its state is no JSON: {error}"
        ) from error


def _own_attributes(aggregate: Aggregate) -> set[str]:
    return {name for name in vars(aggregate) if not name.startswith("_")} - {"id", "version"}
