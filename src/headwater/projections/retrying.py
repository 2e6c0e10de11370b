"""Course: events on their way through a projection, those that fail tried again while the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from headwater.domain.event import Recorded, StoredEvent
from headwater.errors import HandlerExited, HeadwaterError, ProjectionError, StoreError
from headwater.handling.batch import Batch, running_batch
from headwater.projections.decoding import Decoded
from headwater.projections.projection import Projection
from headwater.projections.setting_aside import Behind, Failed, SettingAside, Unhandled

__all__ = ["Course"]


class Course:
    """Some events of a page, with their changes joining one batch, and what is not handled of them yet.

    An event that failed and may be tried again holds its key only: what comes after it is handled as if it would
    fail for good, while it waits. If it does, nothing need be done over. If it recovers, what came after is taken
    back and handled again: the changes are always those of the events in the log's order.
    """

    __slots__ = ("_aside", "_batch", "_begun", "_blocked", "_decoded", "_events", "_projection", "_unhandled")

    def __init__(
        self,
        projection: Projection,
        aside: SettingAside,
        events: Sequence[StoredEvent],
        decoded: Sequence[Decoded],
        batch: Batch,
        blocked: Collection[str],
    ) -> None:
        self._projection = projection
        self._aside = aside
        self._events = events
        self._decoded = decoded
        self._batch = batch
        self._blocked = blocked
        self._unhandled: dict[int, Unhandled] = {}
        self._begun = False

    @property
    def unhandled(self) -> list[Unhandled]:
        """What was not handled, in order."""
        return [self._unhandled[index] for index in sorted(self._unhandled)]

    async def go_on(self) -> float | None:
        """Handle what can be now; when to be called again, by the loop's time, or None once all is settled.

        Raises StoreError, and HandlerExited for what no handler may raise.
        """
        token = running_batch.set(self._batch)
        try:
            if self._begun:
                await self._again()
            elif self._projection.handle_batch is None or self._batch.by_event or not await self._at_once():
                await self._from(0)
            self._begun = True
        except (Exception, asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # a handler ends itself, not the process
            raise HandlerExited(self._projection.name, error) from error
        finally:
            running_batch.reset(token)
        return min([due for _, _, due in self._waiting()], default=None) if self._unhandled else None

    def cut(self, offset: int) -> None:
        """Take back the changes from the failed event at this offset on."""
        for event in self._unhandled.values():
            if isinstance(event, Failed) and event.stored.offset == offset:
                self._batch.rollback(event.mark)

    # -- in order --------------------------------------------------------------

    async def _from(self, start: int) -> None:
        """Handle the events from an index on, as if none of them had been before."""
        self._forget(start)
        held = {event.key for event in self._unhandled.values() if isinstance(event, Failed) and event.holds}
        dispatch, fallback = self._projection.dispatch, self._projection.fallback
        batch, events, blocked, decoded = self._batch, self._events, self._blocked, self._decoded
        changes = batch.changes
        for index in range(start, len(decoded)):
            item = decoded[index]
            if (held or blocked) and self._waits(index, held):
                continue
            mark = len(changes)
            batch.at = events[index].offset
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
                failed = self._failed(index, _fault(error), mark, 1)
                if failed.stops:
                    return
                if failed.holds:
                    held.add(failed.key)

    async def _handle_unusual(self, item: Decoded) -> None:
        """What upcasters made of one event, or the reason it cannot be read."""
        if isinstance(item, HeadwaterError):
            if self._aside.concerns(item):
                raise item
            return
        for event in item if isinstance(item, tuple) else (item,):
            handler = self._projection.handler_of(event.data)
            if handler is not None:
                await handler(event)

    def _waits(self, index: int, held: Collection[str]) -> bool:
        """True for an event whose key is held; or whose stream is, by an event whose key cannot be told."""
        stored, item = self._events[index], self._decoded[index]
        key = self._aside.key_of(stored, item)
        if key not in self._blocked and key not in held:
            key = stored.stream
            if key not in self._blocked and key not in held:
                return False
        if not self._aside.concerns(item):
            return False
        self._unhandled[index] = Behind(stored, key)
        return True

    def _failed(self, index: int, error: Exception, mark: int, attempts: int) -> Failed:
        """Take its changes back, and keep what is to become of it."""
        self._batch.rollback(mark)
        now = asyncio.get_running_loop().time()
        failed = self._aside.failed(self._events[index], self._decoded[index], error, mark, attempts, now)
        self._unhandled[index] = failed
        return failed

    def _forget(self, start: int) -> None:
        for index in [index for index in self._unhandled if index >= start]:
            del self._unhandled[index]

    # -- again -----------------------------------------------------------------

    def _waiting(self) -> list[tuple[int, Failed, float]]:
        """Those that will be tried again, by index, and when."""
        failed = [(index, event) for index, event in self._unhandled.items() if isinstance(event, Failed)]
        return [(index, event, event.due) for index, event in failed if event.due is not None]

    async def _again(self) -> None:
        """Try the one that waits the least, where it stands among the changes."""
        index, failed, _ = min(self._waiting(), key=lambda waiting: (waiting[2], waiting[0]))
        batch = self._batch
        later = batch.cut(failed.mark)
        batch.at = failed.stored.offset
        error = await self._tried(failed.item)
        if error is None:
            del self._unhandled[index]
            await self._from(index + 1)
            return
        failed = self._failed(index, error, failed.mark, failed.attempts + 1)
        if failed.stops:
            self._forget(index + 1)
        elif failed.holds or not self._keeps_others(failed.key):
            batch.paste(later)
        else:
            await self._from(index + 1)

    async def _tried(self, item: Decoded) -> Exception | None:
        try:
            await self._handle_unusual(item)
        except StoreError:
            raise
        except (Exception, asyncio.CancelledError) as error:
            return _fault(error)
        return None

    def _keeps_others(self, key: str) -> bool:
        return any(isinstance(event, Behind) and event.key == key for event in self._unhandled.values())

    # -- at once ---------------------------------------------------------------

    async def _at_once(self) -> bool:
        """Hand everything to `handle_batch`; False if that raised, or an event cannot be read."""
        handle_batch = self._projection.handle_batch
        wanted: list[Recorded[object]] = []
        for index, item in enumerate(self._decoded):
            if (self._blocked and self._waits(index, ())) or not self._aside.concerns(item):
                continue
            if isinstance(item, HeadwaterError):
                return False
            made = item if isinstance(item, tuple) else (item,)
            wanted += [event for event in made if self._projection.handler_of(event.data) is not None]
        mark = self._batch.mark()
        try:
            if wanted and handle_batch is not None:
                await handle_batch(wanted)
        except StoreError:
            raise
        except (Exception, asyncio.CancelledError) as error:  # one by one the bad event is found, and its error kept
            _fault(error)
            self._batch.rollback(mark)
            return False
        return True


def _fault(error: Exception | asyncio.CancelledError) -> Exception:
    """What an event fails with. Raises the cancellation if it is this task's, and not of what a handler awaited."""
    if isinstance(error, Exception):
        return error
    task = asyncio.current_task()
    if task is None or task.cancelling():
        raise error
    fault = ProjectionError("what the handler awaited was cancelled: catch asyncio.CancelledError around it")
    fault.__cause__ = error
    return fault
