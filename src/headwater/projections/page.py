"""Page: the events of one transaction, handled in order, the bad ones set aside. No port is touched here."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence

import msgspec

from headwater.domain.event import Recorded, StoredEvent
from headwater.errors import HandlerExited, HeadwaterError, ProjectionError, StoreError
from headwater.handling.batch import Batch, running_batch
from headwater.ports.parking import ParkedEvent
from headwater.projections.decoding import Decoded
from headwater.projections.parts import RunnerOptions
from headwater.projections.projection import Projection

__all__ = ["Failure", "Outcome", "PageHandler", "failure_of"]

_ERROR_CHARACTERS = 2_000
_TRACE_CHARACTERS = 8_000


class Failure(msgspec.Struct, frozen=True):
    """An event that could not be handled, and why."""

    error: Exception
    event: Recorded[object]


class Outcome(msgspec.Struct):
    """What is to be committed beside the changes."""

    parked: list[ParkedEvent] = []
    failures: list[Failure] = []


class PageHandler:
    """Hands events to a projection, with their changes joining one batch.

    An event whose handler raises is tried again, then parked under its key, and its changes are taken back.
    Later events of a blocked key are parked behind it. A StoreError is no fault of the event: it is raised.
    """

    def __init__(self, projection: Projection, options: RunnerOptions, now: int = 0) -> None:
        self._projection = projection
        self._options = options
        self.now = now
        """Microseconds since 1970, for what is parked."""

    async def handle(
        self, events: Sequence[StoredEvent], decoded: Sequence[Decoded], batch: Batch, blocked: set[str]
    ) -> Outcome:
        """Handle each event; `blocked` holds the keys that are parked, and gets those parked here.

        Raises StoreError, and HandlerExited for what no handler may raise.
        """
        outcome = Outcome()
        token = running_batch.set(batch)
        try:
            if self._projection.handle_batch is not None:
                events, decoded = self._set_aside(events, decoded, blocked, outcome)
                if await self._at_once(decoded, batch):
                    return outcome
            await self._in_order(events, decoded, batch, blocked, outcome)
        except (Exception, asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # a handler ends itself, not the process
            raise HandlerExited(self._projection.name, error) from error
        finally:
            running_batch.reset(token)
        return outcome

    def key_of(self, stored: StoredEvent, item: Decoded) -> str:
        """What the projection orders this event by; the stream where that cannot be told."""
        key_of = self._projection.key_of
        event = item[0] if isinstance(item, tuple) and item else item
        if key_of is None or not isinstance(event, Recorded):
            return stored.stream
        try:
            return key_of(event)
        except Exception:  # the handler will say what is wrong with the event, or nothing is
            return stored.stream

    async def _in_order(
        self,
        events: Sequence[StoredEvent],
        decoded: Sequence[Decoded],
        batch: Batch,
        blocked: set[str],
        outcome: Outcome,
    ) -> None:
        dispatch, fallback = self._projection.dispatch, self._projection.fallback
        changes = batch.changes
        for stored, item in zip(events, decoded, strict=True):
            mark = len(changes)
            if blocked and self._waits(stored, item, blocked, outcome):
                continue
            try:
                if isinstance(item, Recorded):
                    data: object = item.data
                    handler = dispatch.get(type(data), fallback)
                    if handler is not None:
                        await handler(item)
                else:
                    await self._handle_unusual(item)
            except StoreError:
                raise
            except (Exception, asyncio.CancelledError) as error:
                first = _fault(error)
                batch.rollback(mark)
                last = await self._again(item, batch, mark, first)
                if last is not None:
                    self._park(stored, item, last, blocked, outcome)

    async def _handle_unusual(self, item: Decoded) -> None:
        """What upcasters made of one event, or the reason it cannot be read."""
        if isinstance(item, HeadwaterError):
            raise item
        for event in item if isinstance(item, tuple) else (item,):
            handler = self._projection.handler_of(event.data)
            if handler is not None:
                await handler(event)

    async def _again(self, item: Decoded, batch: Batch, mark: int, error: Exception) -> Exception | None:
        """Try an event again, its changes taken back each time; the last error, or None once it went well."""
        if isinstance(item, HeadwaterError):
            return error
        for attempt in range(self._options.retries):
            await self._options.sleep(self._options.retry_delay * 2**attempt)
            try:
                await self._handle_unusual(item)
            except StoreError:
                raise
            except (Exception, asyncio.CancelledError) as again:
                error = _fault(again)
                batch.rollback(mark)
            else:
                return None
        return error

    async def _at_once(self, decoded: Sequence[Decoded], batch: Batch) -> bool:
        """Hand everything to `handle_batch`; False if that raised, or an event cannot be read."""
        handle_batch = self._projection.handle_batch
        wanted: list[Recorded[object]] = []
        for item in decoded:
            if isinstance(item, HeadwaterError):
                return False
            made = item if isinstance(item, tuple) else (item,)
            wanted += [event for event in made if self._projection.handler_of(event.data) is not None]
        mark = batch.mark()
        try:
            if wanted and handle_batch is not None:
                await handle_batch(wanted)
        except StoreError:
            raise
        except (Exception, asyncio.CancelledError) as error:  # one by one the bad event is found, and its error kept
            _fault(error)
            batch.rollback(mark)
            return False
        return True

    def _set_aside(
        self, events: Sequence[StoredEvent], decoded: Sequence[Decoded], blocked: set[str], outcome: Outcome
    ) -> tuple[Sequence[StoredEvent], Sequence[Decoded]]:
        """Without the events of blocked keys, which are parked."""
        if not blocked:
            return events, decoded
        pairs = zip(events, decoded, strict=True)
        free = [pair for pair in pairs if not self._waits(*pair, blocked, outcome)]
        return [stored for stored, _ in free], [item for _, item in free]

    def _waits(self, stored: StoredEvent, item: Decoded, blocked: set[str], outcome: Outcome) -> bool:
        """Park an event whose key is blocked; or whose stream is, by an event whose key cannot be told."""
        key = self.key_of(stored, item)
        if key not in blocked:
            if stored.stream not in blocked:
                return False
            key = stored.stream
        if not self._handled(item):
            return False
        outcome.parked.append(self._parked(stored, key))
        return True

    def _handled(self, item: Decoded) -> bool:
        if isinstance(item, HeadwaterError):
            return True
        made = item if isinstance(item, tuple) else (item,)
        return any(self._projection.handler_of(event.data) is not None for event in made)

    def _park(self, stored: StoredEvent, item: Decoded, error: Exception, blocked: set[str], outcome: Outcome) -> None:
        key = self.key_of(stored, item)
        blocked.add(key)
        attempts = 1 if isinstance(item, HeadwaterError) else 1 + self._options.retries
        outcome.parked.append(self.parked_for(stored, key, error, attempts))
        outcome.failures.append(failure_of(stored, item, error))

    def parked_for(self, stored: StoredEvent, key: str, error: Exception, attempts: int) -> ParkedEvent:
        """An event as it is parked with its cause."""
        return msgspec.structs.replace(
            self._parked(stored, key),
            error=f"{type(error).__name__}: {error}"[:_ERROR_CHARACTERS],
            trace="".join(traceback.format_exception(error))[-_TRACE_CHARACTERS:],
            attempts=attempts,
        )

    def _parked(self, stored: StoredEvent, key: str) -> ParkedEvent:
        return ParkedEvent(
            projection=self._projection.name,
            partition=stored.partition,
            offset=stored.offset,
            key=key,
            type=stored.type,
            attempts=0,
            parked_at=self.now,
        )


def _fault(error: Exception | asyncio.CancelledError) -> Exception:
    """What an event is parked for. Raises the cancellation if it is this task's, and not of what a handler awaited."""
    if isinstance(error, Exception):
        return error
    task = asyncio.current_task()
    if task is None or task.cancelling():
        raise error
    fault = ProjectionError("what the handler awaited was cancelled: catch asyncio.CancelledError around it")
    fault.__cause__ = error
    return fault


def failure_of(stored: StoredEvent, item: Decoded, error: Exception) -> Failure:
    """What those are told who listen to errors; the data is None where it cannot be read."""
    event = item[0] if isinstance(item, tuple) and item else item
    return Failure(error, event if isinstance(event, Recorded) else Recorded(stored, None))
