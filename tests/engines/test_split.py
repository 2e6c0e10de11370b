"""A log in one store and the read side in another, under every suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

import msgspec
import pytest

from headwater.domain.append import Appended, Written
from headwater.domain.version import Exact
from headwater.engines.memory import MemoryEngine
from headwater.errors import InvalidMessage, StoreMismatch
from headwater.opening import open_engine
from headwater.ports.boundaries import BoundaryAppends
from headwater.ports.engine import Engine, EngineOptions
from headwater.ports.inline_appends import InlineAppends
from headwater.split import SplitEngine, split
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.admin import AdminConformance
from headwater.testing.conformance.atomic_appends import AtomicAppendsConformance, full_append
from headwater.testing.conformance.bonds import BondsConformance
from headwater.testing.conformance.boundaries import BoundariesConformance
from headwater.testing.conformance.boundary_contention import BoundaryContentionConformance
from headwater.testing.conformance.command_log import CommandLogConformance
from headwater.testing.conformance.commits import commit_of
from headwater.testing.conformance.concurrency import ConcurrencyConformance
from headwater.testing.conformance.conditions import ConditionsConformance
from headwater.testing.conformance.durability import DurabilityConformance
from headwater.testing.conformance.event_store import EventStoreConformance
from headwater.testing.conformance.exports import ExportsConformance
from headwater.testing.conformance.generations import GenerationsConformance
from headwater.testing.conformance.imports import ImportsConformance
from headwater.testing.conformance.journal import JournalConformance
from headwater.testing.conformance.leases import LeasesConformance
from headwater.testing.conformance.log import LogConformance
from headwater.testing.conformance.parking import ParkingConformance
from headwater.testing.conformance.pipelines import PipelinesConformance
from headwater.testing.conformance.projection_store import ProjectionStoreConformance
from headwater.testing.conformance.read_model_schema import ReadModelSchemaConformance
from headwater.testing.conformance.read_models import ReadModelsConformance
from headwater.testing.conformance.resets import ResetsConformance
from headwater.testing.conformance.row_changes import RowChangesConformance
from headwater.testing.conformance.row_pages import RowPagesConformance
from headwater.testing.conformance.row_search import RowSearchConformance
from headwater.testing.conformance.snapshots import SnapshotsConformance
from headwater.testing.conformance.swaps import SwapsConformance
from headwater.testing.conformance.unique_keys import UniqueKeysConformance
from headwater.testing.conformance.wakeups import WakeupsConformance
from headwater.testing.controls import ANN, BOB, MAIL, Tally, append_of, atomic, command_of, contents, tally, write_of
from tests.engines.servers import fresh_schema

Make: TypeAlias = Callable[[], Engine]
replace = msgspec.structs.replace


of_the_log = pytest.mark.parametrize("make", ["memory and memory", "sqlite and sqlite"], indirect=True)
"""A suite that touches nothing but the log, which is the same where the read models are on PostgreSQL."""


@pytest.fixture(params=["memory and memory", "sqlite and sqlite", "sqlite and postgres"])
async def make(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Make]:
    """Makes an engine on the same two stores, whenever it is called; in memory, the one engine."""
    options = EngineOptions(clock=clock)
    if request.param == "memory and memory":
        both = split(MemoryEngine(4, options), MemoryEngine(1, options))
        yield lambda: both
        return
    async with AsyncExitStack() as stack:
        views = f"sqlite:///{tmp_path}/views.db"
        if request.param == "sqlite and postgres":
            views = await stack.enter_async_context(fresh_schema())
        yield lambda: split(open_engine(f"sqlite:///{tmp_path}/log.db", options), open_engine(views, options))


def stores_of(engine: Engine) -> tuple[Engine, Engine]:
    assert isinstance(engine, SplitEngine)
    return engine.stores


@pytest.fixture
async def engine(make: Make) -> AsyncIterator[Engine]:
    engine = make()
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture
async def reopen(engine: Engine, make: Make) -> AsyncIterator[Callable[[], Awaitable[Engine]]]:
    opened: list[Engine] = []

    async def reopen() -> Engine:
        await engine.close()
        again = make()
        await again.open()
        opened.append(again)
        return again

    yield reopen
    for again in opened:
        await again.close()


@of_the_log
class TestEventStore(EventStoreConformance):
    pass


class TestAtomicAppends(AtomicAppendsConformance):
    """But for changes: rows would have to be committed by another store than the events."""

    async def test_every_part_is_committed(self, engine: Engine) -> None:
        done = await atomic(engine).append_atomic(replace(full_append(), changes=()))
        assert done == Appended((Written("user-ann", 1, 2), Written("user-bob", 1, 1)))
        assert await engine.unique_keys.holder(MAIL) == "user-ann"
        record = await engine.commands.find("c1")
        assert record is not None
        assert record.writes == done.writes

    async def test_an_append_that_is_refused_leaves_no_part(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally])
        before = await contents(engine, MAIL)
        with pytest.raises(InvalidMessage, match="in another store than the log"):
            await atomic(engine).append_atomic(full_append())
        with pytest.raises(InvalidMessage, match="in another store than the log"):
            await engine.events.append(replace(append_of(ANN), changes=(tally("a"),)))
        assert await contents(engine, MAIL) == before

    async def test_of_several_reasons_the_first_counts(self, engine: Engine) -> None:
        await engine.events.append(append_of(BOB, command=command_of("old")))
        for append in (full_append(write_of(ANN, 1, Exact(7))), full_append(command="old", payload="another")):
            with pytest.raises(InvalidMessage, match="in another store than the log"):
                await atomic(engine).append_atomic(append)


class TestBoundaries(BoundariesConformance):
    """But for inline appends, which there are none of; changes are refused as they are without conditions."""

    async def test_inline_appends_honour_conditions(self, engine: Engine) -> None:
        assert isinstance(engine.events, BoundaryAppends)
        assert not isinstance(engine.events, InlineAppends)
        with pytest.raises(InvalidMessage, match="in another store than the log"):
            await engine.events.append_within(full_append())


@of_the_log
class TestBoundaryContention(BoundaryContentionConformance):
    pass


@of_the_log
class TestUniqueKeys(UniqueKeysConformance):
    pass


@of_the_log
class TestLog(LogConformance):
    pass


@of_the_log
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


@of_the_log
class TestSnapshots(SnapshotsConformance):
    pass


class TestWakeups(WakeupsConformance):
    pass


class TestJournal(JournalConformance):
    pass


class TestBonds(BondsConformance):
    async def test_checkpoints_that_are_there_are_those_of_its_own_log(self, engine: Engine) -> None:
        """Of the second store's, that is, and of none in the first."""
        own = (await engine.open()).store_id
        await engine.projections.commit(commit_of(0, 3))
        for log in ("another", own):
            with pytest.raises(StoreMismatch):
                await engine.follow(log)

    async def test_what_one_of_both_refuses_binds_neither(self, engine: Engine) -> None:
        own = (await engine.open()).store_id
        log, views = stores_of(engine)
        await views.follow(own)
        with pytest.raises(StoreMismatch, match=own):
            await engine.follow("another")
        await log.follow(own)

    async def test_a_log_that_is_a_second_itself_binds_no_other(self, engine: Engine) -> None:
        own = (await engine.open()).store_id
        log, views = stores_of(engine)
        await log.follow("another")
        with pytest.raises(StoreMismatch, match="another"):
            await engine.follow(own)
        await views.follow("a third")


@of_the_log
class TestImports(ImportsConformance):
    pass


class TestExports(ExportsConformance):
    pass


class TestAdmin(AdminConformance):
    pass


@of_the_log
class TestConcurrency(ConcurrencyConformance):
    pass


class TestDurability(DurabilityConformance):
    pass


class TestReadModels(ReadModelsConformance, ReadModelSchemaConformance):
    pass


@pytest.mark.parametrize("make", ["memory and memory"], indirect=True)
class TestRows(RowChangesConformance, RowPagesConformance, RowSearchConformance, PipelinesConformance):
    """The languages of changes and of queries, which the second store has as it is: see its own enrolment."""
