"""Intake: which events a projection takes, and what it makes of an error, where no runner decides."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.domain.event import Recorded, StoredEvent
from headwater.domain.registry import Registry
from headwater.errors import HeadwaterError, UnknownEventType
from headwater.projections.decoding import Decoder
from headwater.projections.error_policy import ErrorPolicy, policy_for
from headwater.projections.handler import Declaration

__all__ = ["Intake"]

_REFUSE = ErrorPolicy(retries=0)


class Intake:
    """The events of one projection, decoded; the same ones that a runner hands to it."""

    def __init__(self, declared: Declaration, events: Sequence[type], registry: Registry) -> None:
        self._declared = declared
        self._decoder = Decoder(registry)
        self._events = events
        self._registry = registry
        self._types: frozenset[str] | None = None

    def takes(self, event: StoredEvent) -> bool:
        """True for an event that the projection is to see."""
        declared = self._declared
        if self._types is None:
            self._types = frozenset(self._registry.stored_names(self._events))
        return (
            (event.topic is None or declared.hidden)
            and (not self._types or event.type in self._types)
            and (declared.wants is None or declared.wants(event))
        )

    def read(self, event: StoredEvent) -> Sequence[Recorded[object]]:
        """What upcasters made of it; raises DecodingError, but not for an unknown type that the projection ignores."""
        item = self._decoder.one(event)
        if isinstance(item, Recorded):
            return (item,)
        if not isinstance(item, HeadwaterError):
            return item
        if isinstance(item, UnknownEventType) and self._declared.unknown == "ignore":
            return ()
        raise item

    def skips(self, error: Exception) -> bool:
        """True for an error whose policy is to pass by the event."""
        return policy_for(error, self._declared.errors, _REFUSE).then == "skip"
