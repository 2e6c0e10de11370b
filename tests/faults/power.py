"""power: the power is cut at recorded points of an engine's work; what was acknowledged is there when it is back."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from headwater.domain.version import AnyVersion
from headwater.engines.sqlite import open_engine
from headwater.errors import HeadwaterError
from headwater.ports.engine import EngineOptions
from tests.faults.disk import Disk, Image
from tests.faults.folder import ROOT, a_folder, in_memory
from tests.faults.history import Ack, Findings, History, check
from tests.faults.operation import operation
from tests.faults.power_writer import STREAMS
from tests.faults.reading import damages, held
from tests.faults.recording_vfs import Operation, Recording
from tests.faults.report import Row, control, row

__all__ = ["Session", "cut_power", "cut_power_of_normal"]

LIMIT = 300
"""Seconds after which no further cut is made."""


class Session(msgspec.Struct, frozen=True):
    """One recorded run of a writer, and how often it is cut."""

    seed: str
    appends: int
    cuts: int
    padding: int = 0
    """Bytes added to each event: with large ones the log is copied into the file while it is in use."""


def cut_power(sessions: Sequence[Session]) -> Row:
    """With synchronous=FULL, the engine's own setting."""
    acked, cuts, findings = _cut_all(sessions, "full")
    return row("acknowledged appends survive a power cut (synchronous=FULL)", acked, cuts, findings)


def cut_power_of_normal(sessions: Sequence[Session]) -> Row:
    """The control: with synchronous=NORMAL, which promises less."""
    acked, cuts, findings = _cut_all(sessions, "normal")
    for text in findings.duplicated + findings.reordered + findings.other:
        print(f"  more than lost: {text}")
    return control("power cuts with synchronous=NORMAL", acked, cuts, findings)


def _cut_all(sessions: Sequence[Session], synchronous: str) -> tuple[int, int, Findings]:
    acked, cuts, findings, ends = 0, 0, Findings(), time.monotonic() + LIMIT
    for session in sessions:
        recording = _recorded(session, synchronous)
        acked += sum(isinstance(said, Ack) for said in recording)
        for image, acks in _images(recording, session, synchronous):
            findings.add(asyncio.run(_reopened(image, acks, session)))
            cuts += 1
            if time.monotonic() > ends:
                return acked, cuts, findings
        print(f"  {cuts:,} power cuts, synchronous={synchronous}", flush=True)
    return acked, cuts, findings


def _recorded(session: Session, synchronous: str) -> list[Operation | Ack]:
    with a_folder() as folder:
        target = folder / "recording"
        given = (folder / "store.db", target, synchronous, session.seed, session.appends, session.padding)
        command = [sys.executable, "-m", "tests.faults.power_writer", *map(str, given)]
        subprocess.run(command, cwd=ROOT, check=True)
        return Recording.load(target)


def _images(
    recording: Sequence[Operation | Ack], session: Session, synchronous: str
) -> Iterator[tuple[Image, list[Ack]]]:
    """What the disk holds after each chosen cut, and what had been acknowledged by then."""
    chance = random.Random(session.seed)
    chosen = _chosen(recording, session.cuts, chance)
    disk, acks = Disk(), list[Ack]()
    for place, said in enumerate(recording):
        if isinstance(said, Ack):
            acks.append(said)
        else:
            disk.do(said)
        if place in chosen:
            yield disk.cut(chance), list(acks)


def _chosen(recording: Sequence[Operation | Ack], cuts: int, chance: random.Random) -> set[int]:
    """Places to cut at; those in which the database itself is written are few, and five times as likely."""
    weights = [1 if isinstance(said, Ack) or said.file.endswith("-wal") else 5 for said in recording]
    chosen: set[int] = set()
    while len(chosen) < min(cuts, len(recording)):
        chosen.update(chance.choices(range(len(recording)), weights, k=cuts - len(chosen)))
    return chosen


async def _reopened(image: Image, acks: list[Ack], session: Session) -> Findings:
    """Open the store on what is left, check it, and go on writing."""
    with a_folder(in_memory()) as folder:
        for name, content in image.items():
            Path(folder, name).write_bytes(content)
        try:
            return await _checked(folder, acks)
        except (HeadwaterError, msgspec.MsgspecError) as error:
            return Findings(other=[f"the store of session {session.seed} does not open or read: {error!r}"])
        finally:
            shutil.rmtree(folder, ignore_errors=True)


async def _checked(folder: Path, acks: list[Ack]) -> Findings:
    engine = open_engine(f"sqlite:///{folder}/store.db?readers=1", EngineOptions())
    await engine.open()
    try:
        found = check(History(acks=acks), await held(engine))
        found.other += await damages(engine)
        after = operation("after.1", STREAMS)
        appended = await engine.events.append(msgspec.structs.replace(after, claims=None).append(AnyVersion()))
        if appended.writes[0].last != await engine.events.head(after.stream):
            found.other.append("the store does not go on after a cut")
        return found
    finally:
        await engine.close()
