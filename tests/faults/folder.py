"""Folder: where the stores of a run lie."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["ROOT", "a_folder", "in_memory"]

ROOT = Path(__file__).parents[2]


@contextmanager
def a_folder(place: Path | None = None) -> Iterator[Path]:
    """A new folder, gone after the block: on FAULTS_DIR or the machine's temporary folder, unless a place is given."""
    root = place or os.environ.get("FAULTS_DIR")
    with tempfile.TemporaryDirectory(prefix="headwater-faults-", dir=root, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def in_memory() -> Path | None:
    """A file system in memory, for files whose durability is not what is tested; None: wherever others lie."""
    memory = Path("/dev/shm")  # the folder made in it has a random name
    return memory if memory.is_dir() and os.access(memory, os.W_OK) else None
