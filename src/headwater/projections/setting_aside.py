"""SettingAside: what becomes of an event that could not be handled: parked, skipped, or the end of the page."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from headwater.domain.event import Recorded, StoredEvent
from headwater.errors import DecodingError, HeadwaterError, ParkingFull, ProjectionStopped, UnknownEventType
from headwater.ports.parking import ParkedEvent
from headwater.projections.decoding import Decoded
from headwater.projections.error_policy import ErrorPolicy, policy_for
from headwater.projections.outcome import Outcome, failure_of
from headwater.projections.parts import RunnerOptions
from headwater.projections.projection import Projection

__all__ = ["Behind", "Failed", "SettingAside", "Unhandled"]

_ERROR_CHARACTERS = 2_000
_TRACE_CHARACTERS = 8_000


class Failed(msgspec.Struct, frozen=True):
    """An event whose handler raised, or that cannot be read."""

    stored: StoredEvent
    item: Decoded
    key: str
    error: Exception
    policy: ErrorPolicy
    mark: int
    """Where the changes of later events begin."""
    attempts: int
    due: float | None
    """When it is tried again, by the loop's time; None: it has had its tries."""

    @property
    def stops(self) -> bool:
        return self.due is None and self.policy.then == "stop"

    @property
    def holds(self) -> bool:
        """True if later events of its key must wait."""
        return self.due is not None or self.policy.then == "park"


class Behind(msgspec.Struct, frozen=True):
    """An event that waits for an earlier one of its key."""

    stored: StoredEvent
    key: str


Unhandled: TypeAlias = Failed | Behind


class SettingAside:
    """The rules of one projection: by what its events are ordered, and what its declaration makes of an error."""

    def __init__(self, projection: Projection, options: RunnerOptions, generation: int, now: int) -> None:
        self._projection = projection
        self._generation = generation
        self._room = options.parked_keys
        self._default = ErrorPolicy(retries=options.retries, delay=options.retry_delay, again_after=options.again_after)
        self.now = now
        """Microseconds since 1970, for what is parked."""

    # -- the order of events ---------------------------------------------------

    def own_key(self, stored: StoredEvent, item: Decoded) -> str | None:
        """What the projection orders this event by; None where that cannot be told."""
        key_of = self._projection.key_of
        if key_of is None:
            return stored.stream
        event = item[0] if isinstance(item, tuple) and item else item
        if not isinstance(event, Recorded):
            return None
        try:
            return key_of(event)
        except Exception:  # the handler will say what is wrong with the event, or nothing is
            return None

    def key_of(self, stored: StoredEvent, item: Decoded) -> str:
        """What the projection orders this event by; the stream where that cannot be told."""
        key = self.own_key(stored, item)
        return stored.stream if key is None else key

    def concerns(self, item: Decoded) -> bool:
        """False for an event the projection passes by."""
        if isinstance(item, HeadwaterError):
            return not (isinstance(item, UnknownEventType) and self._projection.declared.unknown == "ignore")
        made = item if isinstance(item, tuple) else (item,)
        return any(self._projection.handler_of(event.data) is not None for event in made)

    # -- errors ----------------------------------------------------------------

    def failed(
        self, stored: StoredEvent, item: Decoded, error: Exception, mark: int, attempts: int, now: float
    ) -> Failed:
        """The event after so many attempts, the last of which ended at `now` by the loop's time."""
        policy = self.policy_of(error)
        pause = None if error is item or self._projection.pure else policy.pause(attempts)
        due = None if pause is None else now + pause
        return Failed(stored, item, self.key_of(stored, item), error, policy, mark, attempts, due)

    def policy_of(self, error: Exception) -> ErrorPolicy:
        """What is declared for the nearest class of the error; `unknown=` decides for unregistered types."""
        declared = self._projection.declared
        policy = policy_for(error, declared.errors, self._default)
        if isinstance(error, UnknownEventType):
            return msgspec.structs.replace(policy, then="stop" if declared.unknown == "stop" else "park")
        return policy

    # -- what is made of them --------------------------------------------------

    def outcome(self, unhandled: Iterable[Unhandled], blocked: set[str]) -> Outcome:
        """The verdict on what was not handled, in the log's order, up to an event that cannot be passed.

        `blocked` holds the keys that are parked, and gets those parked here.
        """
        outcome = Outcome()
        for event in unhandled:
            if isinstance(event, Behind):
                outcome.parked.append(self._parked(event.stored, event.key))
            elif event.policy.then == "skip":
                outcome.skipped += 1
                outcome.failures.append(failure_of(event.stored, event.item, event.error))
            elif event.policy.then == "stop" or (event.key not in blocked and len(blocked) >= self._room):
                outcome.stopped_at, outcome.stopped_by = event.stored.offset, self._stopped(event)
                break
            else:
                blocked.add(event.key)
                outcome.parked.append(self.parked_for(event.stored, event.key, event.error, event.attempts))
                outcome.failures.append(failure_of(event.stored, event.item, event.error))
        return outcome

    def parked_for(
        self, stored: StoredEvent, key: str, error: Exception, attempts: int, before: int = 0
    ) -> ParkedEvent:
        """An event as it is parked with its cause; `before` is how often it was tried when parked earlier."""
        rest = self.policy_of(error).rest(before // max(1, attempts))
        return msgspec.structs.replace(
            self._parked(stored, key),
            error=f"{type(error).__name__}: {error}"[:_ERROR_CHARACTERS],
            trace="".join(traceback.format_exception(error))[-_TRACE_CHARACTERS:],
            attempts=attempts,
            retry_at=None if rest is None else self.now + round(rest * 1_000_000),
        )

    def parked_again(self, event: ParkedEvent, stored: StoredEvent, error: Exception) -> ParkedEvent:
        """A parked event whose retry failed: it keeps its key and its edited data, and rests for longer."""
        attempts = 1 if isinstance(error, DecodingError) else 1 + self.policy_of(error).retries
        again = self.parked_for(stored, event.key, error, attempts, before=event.attempts)
        return msgspec.structs.replace(again, data=event.data)

    def _parked(self, stored: StoredEvent, key: str) -> ParkedEvent:
        return ParkedEvent(
            projection=self._projection.name,
            generation=self._generation,
            partition=stored.partition,
            offset=stored.offset,
            key=key,
            type=stored.type,
            attempts=0,
            parked_at=self.now,
        )

    def _stopped(self, failed: Failed) -> ProjectionStopped | ParkingFull:
        stored, name = failed.stored, self._projection.name
        event = f"{stored.type} {stored.stream}@{stored.version} at {stored.partition}:{stored.offset}"
        cause = f"{type(failed.error).__name__}: {failed.error}"[:_ERROR_CHARACTERS]
        stopped: ProjectionStopped | ParkingFull
        if failed.policy.then == "stop":
            stopped = ProjectionStopped(
                f"{name!r} stands still at {event} ({cause}), as it declares: mend the cause, then resume it"
            )
        else:
            stopped = ParkingFull(
                f"{name!r} has {self._room:,} keys parked, as many as may be, and waits at {event} ({cause}): "
                "see `headwater dlq ls`, retry or discard some"
            )
        stopped.__cause__ = failed.error
        return stopped
