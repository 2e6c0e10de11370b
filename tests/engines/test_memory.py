"""The memory engine, with 1 partition and with 4, under every suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from headwater.engines.memory import MemoryEngine, open_engine
from headwater.errors import ConfigurationError
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.admin import AdminConformance
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
from headwater.testing.conformance.parking import ParkingConformance
from headwater.testing.conformance.projection_store import ProjectionStoreConformance
from headwater.testing.conformance.resets import ResetsConformance
from headwater.testing.conformance.snapshots import SnapshotsConformance
from headwater.testing.conformance.swaps import SwapsConformance
from headwater.testing.conformance.unique_keys import UniqueKeysConformance
from headwater.testing.conformance.wakeups import WakeupsConformance


@pytest.fixture(params=[1, 4], ids=["1 partition", "4 partitions"])
async def engine(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Engine]:
    engine = MemoryEngine(request.param, EngineOptions(clock=clock))
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture
def reopen(engine: Engine) -> Callable[[], Awaitable[Engine]]:
    """A memory store lives as long as its engine."""

    async def reopen() -> Engine:
        await engine.close()
        await engine.open()
        return engine

    return reopen


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


def test_the_url_says_how_many_partitions() -> None:
    assert open_engine("memory://", EngineOptions()).log.partitions == 1
    assert open_engine("memory://?partitions=4", EngineOptions()).log.partitions == 4
    assert open_engine("memory://", EngineOptions(query={"partitions": "3"})).log.partitions == 3


@pytest.mark.parametrize(
    "url",
    [
        "memory://?partition=4",
        "memory://?partitions=0",
        "memory://?partitions=-1",
        "memory://?partitions=four",
        "memory://?partitions=1000000000",
        "memory://somewhere",
        "memory:///file.db",
    ],
)
def test_a_url_it_does_not_understand_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_engine(url, EngineOptions())


async def test_the_store_id_asked_for_is_given() -> None:
    assert (await MemoryEngine(1, EngineOptions(store_id="mine")).open()).store_id == "mine"
    assert (await MemoryEngine().open()).store_id != (await MemoryEngine().open()).store_id
