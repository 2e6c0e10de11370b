"""ChangeWatch: which read models have changed, in this process or another, for whoever keeps what was made of them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias
from weakref import WeakSet

from headwater.errors import StoreClosed, StoreError
from headwater.models.model import ReadModel
from headwater.ports.wakeups import KnowsOthers, Wakeups

__all__ = ["ChangeWatch", "Changed", "Watcher", "nobody"]

_LOG: Final = logging.getLogger(__name__)
_QUIET_SECONDS: Final = 5.0
"""How long a wait without news is, and so how soon the listener notices that nobody watches any more."""
_PAUSE_SECONDS: Final = 0.005
"""Between two looks of the listener: a busy writer costs it no more than 200 a second."""


Changed: TypeAlias = Callable[[Iterable[type[ReadModel]]], None]
"""Hears of changes that the store's counts do not show."""


def nobody(models: Iterable[type[ReadModel]]) -> None:
    """Hears of changes where nobody watches."""


class Watcher(Protocol):
    """Keeps something made of read models."""

    def moved(self, models: Collection[type[ReadModel]]) -> None:
        """These have changed, or may have."""
        ...

    def watching(self) -> bool:
        """False while it keeps nothing that a change would touch."""
        ...

    def closed(self) -> None:
        """Nobody will say when they change any more: keep nothing."""
        ...


class ChangeWatch:
    """Versions of read models, and watchers that are told when they move.

    Take a model's `version` before reading it; as long as it `holds`, what was read is as new as the last look at
    the store's own counts (`Wakeups.changes`). Who must not be older than what this process has committed asks
    `behind` first, which costs well below a microsecond, and `catch_up` where it says so: one look, shared by all who
    ask meanwhile. For commits of other processes a task listens, from `listen` on for as long as somebody is watching:
    they are noticed within the engine's polling interval.
    """

    def __init__(self, wakeups: Wakeups, *, elsewhere: bool = False) -> None:
        """`elsewhere`: changes made through this engine object do not count, where the engine can tell them apart."""
        self._wakeups = wakeups
        self._commits: Callable[[], int] = wakeups.seen
        self._changes: Callable[[Sequence[type[ReadModel]]], Awaitable[Sequence[int]]] = wakeups.changes
        if elsewhere and isinstance(wakeups, KnowsOthers):
            self._commits, self._changes = wakeups.others, wakeups.changes_elsewhere
        self._looked = -1
        """Commits there were before the last look."""
        self._counts: dict[type[ReadModel], int] = {}
        self._versions: Counter[type[ReadModel]] = Counter()
        self._watchers: WeakSet[Watcher] = WeakSet()
        self._looking = asyncio.Lock()
        self._listener: asyncio.Task[None] | None = None
        self._elsewhere: ChangeWatch | None = None

    def elsewhere(self) -> ChangeWatch:
        """A watch of the same store to which this process's own changes are nothing new; closed with this one."""
        if self._elsewhere is None:
            self._elsewhere = ChangeWatch(self._wakeups, elsewhere=True)
        return self._elsewhere

    def join(self, watcher: Watcher) -> None:
        """Tell it from now on, for as long as something else refers to it."""
        self._watchers.add(watcher)

    def leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)
        self.rest()

    @property
    def listening(self) -> bool:
        return self._listener is not None and not self._listener.done()

    @property
    def behind(self) -> bool:
        """True if this process knows of a commit made since the last look. Raises StoreClosed."""
        return self._commits() > self._looked

    async def catch_up(self) -> None:
        """Look at the counts, unless somebody has since this was called. Raises StoreError."""
        asked = self._commits()
        async with self._looking:
            if self._looked < asked:
                await self._look()

    async def version(self, model: type[ReadModel]) -> int:
        """The version of a model as it is now or was a little earlier, never later. Raises StoreError."""
        if model not in self._counts or not self.listening:
            async with self._looking:
                await self._look(model)
        elif self.behind:  # what is made of the older version would be thrown away
            await self.catch_up()
        return self._versions[model]

    def holds(self, versions: Mapping[type[ReadModel], int]) -> bool:
        """True if none of these models has moved, as far as is known."""
        now = self._versions
        return all(now[model] == version for model, version in versions.items())

    def changed(self, models: Iterable[type[ReadModel]]) -> None:
        """Say of changes that the store's counts do not show: what is buffered or cached in this process."""
        self._tell(set(models))

    def listen(self) -> None:
        """Have changes by other processes noticed while a watcher is watching."""
        if not self.listening:
            self._listener = asyncio.create_task(self._listen())

    def rest(self) -> None:
        """Stop listening if nobody is watching."""
        if self._listener is not None and self._listener is not asyncio.current_task() and not self._wanted():
            self._listener.cancel()
            self._listener = None

    async def close(self) -> None:
        """Stop listening, and have every watcher let go; a new `listen` begins again."""
        listener, self._listener = self._listener, None
        self._forget()
        for watcher in tuple(self._watchers):
            watcher.closed()
        if listener is not None:
            listener.cancel()
            await asyncio.wait((listener,))
        if self._elsewhere is not None:
            await self._elsewhere.close()

    async def _look(self, *more: type[ReadModel]) -> None:
        commits = self._commits()  # before the counts are read: a commit in between makes for one look too many
        models = tuple({**self._counts, **dict.fromkeys(more)})
        counts = dict(zip(models, await self._changes(models) if models else (), strict=True))
        moved = {model for model, count in self._counts.items() if counts[model] != count}
        self._counts, self._looked = counts, commits
        self._tell(moved)

    def _tell(self, moved: Collection[type[ReadModel]]) -> None:
        if not moved:
            return
        self._versions.update(moved)
        for watcher in tuple(self._watchers):
            watcher.moved(moved)

    async def _listen(self) -> None:
        try:
            while self._wanted():
                seen = self._wakeups.seen()
                try:
                    await self.catch_up()
                except StoreClosed:
                    raise
                except StoreError:
                    _LOG.warning("changes of read models cannot be looked at; nothing is kept meanwhile", exc_info=True)
                    self._forget()
                await self._wakeups.wait(seen, _QUIET_SECONDS)
                await asyncio.sleep(_PAUSE_SECONDS)
        except StoreClosed:
            self._forget()

    def _forget(self) -> None:
        """Nothing is known any more of any model."""
        models, self._counts = set(self._counts), {}
        self._tell(models)

    def _wanted(self) -> bool:
        return any(watcher.watching() for watcher in tuple(self._watchers))
