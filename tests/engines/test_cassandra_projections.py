"""The Cassandra engine under every suite of projections, on a log of several partitions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from headwater.engines.cassandra import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.bonds import BondsConformance
from headwater.testing.conformance.conditions import ConditionsConformance
from headwater.testing.conformance.durability import DurabilityConformance
from headwater.testing.conformance.generations import GenerationsConformance
from headwater.testing.conformance.journal import JournalConformance
from headwater.testing.conformance.leases import LeasesConformance, SteppedClockConformance
from headwater.testing.conformance.parking import ParkingConformance
from headwater.testing.conformance.projection_store import ProjectionStoreConformance
from headwater.testing.conformance.resets import ResetsConformance
from headwater.testing.conformance.swaps import SwapsConformance
from headwater.testing.conformance.wakeups import WakeupsConformance


@pytest.fixture
def url(cassandra: str) -> str:
    return cassandra


@pytest.fixture
async def engine(url: str, clock: ManualClock) -> AsyncIterator[Engine]:
    engine = open_engine(url, EngineOptions(clock=clock))
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture
async def reopen(engine: Engine, url: str, clock: ManualClock) -> AsyncIterator[Callable[[], Awaitable[Engine]]]:
    opened: list[Engine] = []

    async def reopen() -> Engine:
        await engine.close()
        again = open_engine(url, EngineOptions(clock=clock))
        await again.open()
        opened.append(again)
        return again

    yield reopen
    for again in opened:
        await again.close()


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


class TestJournal(JournalConformance):
    pass


class TestWakeups(WakeupsConformance):
    pass


class TestBonds(BondsConformance):
    pass


class TestLeases(LeasesConformance):
    pass


class TestSteppedClock(SteppedClockConformance):
    pass


class TestDurability(DurabilityConformance):
    pass
