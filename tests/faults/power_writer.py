"""power_writer: a process that appends through the unmodified engine while every file operation is recorded."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from headwater.engines.sqlite import open_engine
from headwater.ports.engine import EngineOptions
from tests.faults.appending import Appending
from tests.faults.history import Ack, Refusal
from tests.faults.operation import Operation, operation
from tests.faults.recording_vfs import Recording

CALLERS = 3
STREAMS = 6
SITTINGS = 3
"""The store is closed and opened again between them, so that its log is copied into the file and begun anew."""


async def main(database: Path, recorded: Path, synchronous: str, seed: str, appends: int, padding: int) -> None:
    recording = Recording(database)
    operations = islice(operations_of(seed, padding), appends)
    for sitting in range(SITTINGS):
        engine = open_engine(f"sqlite:///{database}?synchronous={synchronous}&readers=1", EngineOptions())
        await engine.open()
        appending = Appending(engine, lambda said: tell(recording, said), sitting)
        mine = islice(operations, appends // SITTINGS)
        await asyncio.gather(*(appending.run(mine) for _ in range(CALLERS)))
        await engine.close()
    recording.save(recorded)


def tell(recording: Recording, said: Ack | Refusal) -> None:
    if isinstance(said, Ack):
        recording.acknowledge(said)


def operations_of(seed: str, padding: int) -> Iterator[Operation]:
    number = 0
    while True:
        number += 1
        yield operation(f"{seed}.{number}", STREAMS, padding)


if __name__ == "__main__":
    path, recorded, synchronous, seed, appends, padding = sys.argv[1:]
    asyncio.run(main(Path(path), Path(recorded), synchronous, seed, int(appends), int(padding)))
