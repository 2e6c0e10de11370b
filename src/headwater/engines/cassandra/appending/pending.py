"""Pending: what was appended here and has yet to come somewhere: into the log, or into what follows from it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.protocol.core import Core, ask_all
from headwater.engines.cassandra.protocol.requests import ReadStatics
from headwater.engines.cassandra.protocol.rows import ChunkKey, Logged

__all__ = ["Pending"]

_KEPT: Final = 10_000
"""Chunks of each partition: older ones are left to be seen late."""
_KEPT_NONE: Final = 2**63
"""Above every version."""
_LOOK: Final = 0.05
"""Seconds between two looks at the chunks, where another process fills the log."""


class Pending:
    """By partition and chunk, the highest version that was committed here. Whoever reads the log waits for it, so that
    an engine object sees in the log what was appended through it."""

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        self._versions: dict[int, dict[ChunkKey, int]] = {}
        self._moved = asyncio.Event()

    def add(self, part: int, chunk: ChunkKey, version: int) -> None:
        """An append is committed."""
        versions = self._versions.setdefault(part, {})
        versions[chunk] = max(version, versions.pop(chunk, 0))
        if len(versions) > _KEPT:
            del versions[next(iter(versions))]

    def has(self, part: int) -> bool:
        """Whether anything of a partition may be on its way."""
        return bool(self._versions.get(part))

    def came(self, part: int, rows: Iterable[Logged]) -> None:
        """These rows have come there."""
        versions = self._versions.get(part)
        if not versions:
            return
        for row in rows:
            key = row.stream, row.chunk
            if versions.get(key, _KEPT_NONE) <= row.version:
                del versions[key]
        self._moved.set()

    async def wait(self, part: int, seconds: float) -> None:
        """Return once everything that was appended before is there, or after so many seconds."""
        wanted = dict(self._versions.get(part) or {})
        try:
            async with asyncio.timeout(seconds):
                while wanted:
                    await self._wait(part, wanted)
                    left = self._versions.get(part) or {}
                    wanted = {key: version for key, version in wanted.items() if left.get(key, 0) >= version}
        except TimeoutError:
            pass

    async def wait_for(self, chunks: Sequence[ChunkKey], seconds: float) -> bool:
        """The same for some chunks alone; whether there was anything to wait for."""
        parts = [part for part, versions in self._versions.items() if any(chunk in versions for chunk in chunks)]
        await asyncio.gather(*[self.wait(part, seconds) for part in parts])
        return bool(parts)

    async def wait_for_all(self, seconds: float) -> None:
        """The same for every partition at once."""
        await asyncio.gather(*[self.wait(part, seconds) for part, versions in self._versions.items() if versions])

    async def _wait(self, part: int, wanted: dict[ChunkKey, int]) -> None:
        """Until something of this process's own was logged, or a look shows that another has."""
        self._moved.clear()
        try:
            async with asyncio.timeout(_LOOK):
                await self._moved.wait()
        except TimeoutError:
            self._looked(part, await self._performer.run(_logged_versions(list(wanted))))

    def _looked(self, part: int, logged: dict[ChunkKey, int]) -> None:
        versions = self._versions.get(part) or {}
        for key, version in logged.items():
            if key in versions and versions[key] <= version:
                del versions[key]


def _logged_versions(chunks: list[ChunkKey]) -> Core[dict[ChunkKey, int]]:
    seen = yield from ask_all([ReadStatics(*chunk) for chunk in chunks])
    return {chunk: statics.logged or 0 for chunk, statics in zip(chunks, seen, strict=True)}
