"""SnapshotFolder: the files of a folder that are snapshots, by projection, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from headwater.read_models.snapshots_writing import PARTIAL

__all__ = ["SnapshotFolder"]

_SUFFIX: Final = ".snapshot"
_DIGITS: Final = 20


class SnapshotFolder:
    """Files are named after the projection and when they were begun, so that names come in the order of time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def make(self) -> None:
        self._path.mkdir(parents=True, exist_ok=True)

    def files(self, projection: str) -> Sequence[Path]:
        """Those that are whole, damaged or not, the newest first."""
        return sorted(self._path.glob(f"{projection}.{'[0-9]' * _DIGITS}{_SUFFIX}"), reverse=True)

    def next(self, projection: str, now: int) -> Path:
        """Where the next one goes, behind all others, whatever the clock has done; `now` in microseconds since 1970."""
        newest = self.files(projection)[:1]
        last = int(newest[0].name.split(".")[1]) if newest else 0
        return self._path / f"{projection}.{max(now, last + 1):0{_DIGITS}}{_SUFFIX}"

    def partials(self, projection: str) -> Sequence[Path]:
        """What writers have left that did not come to their end, or have not yet."""
        return sorted(self._path.glob(f"{projection}.*{_SUFFIX}.*{PARTIAL}"))
