"""The SQLite engine under every suite, and beside the memory engine."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import hypothesis
import pytest

from headwater.engines.memory import MemoryEngine
from headwater.engines.sqlite import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.admin import AdminConformance
from headwater.testing.conformance.agreement import Agreement
from headwater.testing.conformance.atomic_appends import AtomicAppendsConformance
from headwater.testing.conformance.bonds import BondsConformance
from headwater.testing.conformance.boundaries import BoundariesConformance
from headwater.testing.conformance.boundary_contention import BoundaryContentionConformance
from headwater.testing.conformance.command_log import CommandLogConformance
from headwater.testing.conformance.concurrency import ConcurrencyConformance
from headwater.testing.conformance.conditions import ConditionsConformance
from headwater.testing.conformance.durability import DurabilityConformance
from headwater.testing.conformance.event_store import EventStoreConformance
from headwater.testing.conformance.exports import ExportsConformance
from headwater.testing.conformance.free_texts import FreeTextsConformance
from headwater.testing.conformance.generations import GenerationsConformance
from headwater.testing.conformance.imports import ImportsConformance
from headwater.testing.conformance.inline_appends import InlineAppendsConformance
from headwater.testing.conformance.journal import JournalConformance
from headwater.testing.conformance.leases import LeasesConformance, SteppedClockConformance
from headwater.testing.conformance.log import LogConformance
from headwater.testing.conformance.machine import EnginesAgree
from headwater.testing.conformance.parking import ParkingConformance
from headwater.testing.conformance.projection_machine import ProjectionsAgree
from headwater.testing.conformance.projection_store import ProjectionStoreConformance
from headwater.testing.conformance.resets import ResetsConformance
from headwater.testing.conformance.snapshots import SnapshotsConformance
from headwater.testing.conformance.swaps import SwapsConformance
from headwater.testing.conformance.unique_keys import UniqueKeysConformance
from headwater.testing.conformance.wakeups import WakeupsConformance


def store_in(folder: Path, clock: ManualClock) -> Engine:
    return open_engine(f"sqlite:///{folder}/x.db", EngineOptions(clock=clock))


@pytest.fixture
async def engine(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Engine]:
    engine = store_in(tmp_path, clock)
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture
async def reopen(engine: Engine, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Callable[[], Awaitable[Engine]]]:
    opened: list[Engine] = []

    async def reopen() -> Engine:
        await engine.close()
        again = store_in(tmp_path, clock)
        await again.open()
        opened.append(again)
        return again

    yield reopen
    for again in opened:
        await again.close()


class TestEventStore(EventStoreConformance):
    pass


class TestAtomicAppends(AtomicAppendsConformance):
    pass


class TestBoundaries(BoundariesConformance):
    pass


class TestBoundaryContention(BoundaryContentionConformance):
    pass


class TestUniqueKeys(UniqueKeysConformance):
    pass


class TestLog(LogConformance):
    pass


class TestCommandLog(CommandLogConformance):
    pass


class TestProjectionStore(ProjectionStoreConformance):
    pass


class TestResets(ResetsConformance):
    pass


class TestGenerations(GenerationsConformance):
    pass


class TestSwaps(SwapsConformance):
    pass


class TestConditions(ConditionsConformance):
    pass


class TestParking(ParkingConformance):
    pass


class TestLeases(LeasesConformance):
    pass


class TestSteppedClock(SteppedClockConformance):
    pass


class TestSnapshots(SnapshotsConformance):
    pass


class TestWakeups(WakeupsConformance):
    pass


class TestJournal(JournalConformance):
    pass


class TestFreeTexts(FreeTextsConformance):
    pass


class TestBonds(BondsConformance):
    pass


class TestImports(ImportsConformance):
    pass


class TestInlineAppends(InlineAppendsConformance):
    pass


class TestExports(ExportsConformance):
    pass


class TestAdmin(AdminConformance):
    pass


class TestConcurrency(ConcurrencyConformance):
    pass


class TestDurability(DurabilityConformance):
    pass


class OneOfEach(Agreement):
    def make_engines(self, options: EngineOptions) -> tuple[Engine, Engine]:
        self.folder = tempfile.TemporaryDirectory()
        return MemoryEngine(1, options), open_engine(f"sqlite:///{self.folder.name}/x.db", options)

    def teardown(self) -> None:
        with self.folder:
            super().teardown()


class MemoryAndSQLite(OneOfEach, EnginesAgree):
    pass


class MemoryAndSQLiteProject(OneOfEach, ProjectionsAgree):
    pass


PROFILE = hypothesis.settings.get_profile("engines")
IN_TIME = pytest.mark.timeout(120 + PROFILE.max_examples)
TestLikeMemory = IN_TIME(MemoryAndSQLite.TestCase)
TestLikeMemory.settings = hypothesis.settings(PROFILE)
TestProjectsLikeMemory = IN_TIME(MemoryAndSQLiteProject.TestCase)
TestProjectsLikeMemory.settings = hypothesis.settings(PROFILE)
