"""Law 7: what is rebuilt equals what is live, over any history, wherever it is promised; elsewhere it is refused."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.domain.event import Recorded
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.errors import BadDeclaration
from headwater.handling.injection import Injector
from headwater.models.model import Key, ReadModel
from headwater.models.selection import Selection
from headwater.opening import open_engine
from headwater.ports.engine import EngineOptions
from headwater.projections.batch import BatchProjectionHandler
from headwater.projections.fold import Fold
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import RunnerOptions
from headwater.projections.projection import bind
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from headwater.testing.clock import ManualClock
from tests.projections.shop import Added, Poisonous, Removed, Shop, no_sleep
from tests.stores import ENGINES, fresh_store

OPTIONS = RunnerOptions(sleep=no_sleep, save_seconds=0.01, watch_seconds=0.05, batch_size=4, retries=0)


class Tally(ReadModel, table="tally"):
    id: Key[str]
    units: int = 0
    events: int = 0
    last: int = 0
    path: str = ""


class Folded(Fold[Tally], category="item", name="tally"):
    """One key: a step that does not commute; a row that comes and goes."""

    @on(Added)
    def added(self, row: Tally | None, e: Recorded[Added]) -> Tally | None:
        before = row or Tally(id=e.stream.partition("-")[2])
        return msgspec.structs.replace(before, units=before.units * 2 + e.data.units, events=before.events + 1)

    @on(Removed)
    def removed(self, row: Tally | None, e: Recorded[Removed]) -> Tally | None:
        return None if row is None or e.data.units % 3 == 0 else msgspec.structs.replace(row, units=row.units - 1)


class OneKey(ProjectionHandler, writes=[Tally], name="tally"):
    """One key, by a handler: insert, update, upsert and delete of the stream's own row."""

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        row = await views.get(Tally, e.stream)
        path = (row.path if row else "") + f"+{e.data.units}"
        await views.insert(Tally(id=e.stream, units=e.data.units, last=e.version, path=path[-40:]))

    @on(Removed)
    async def removed(self, e: Recorded[Removed], views: Views) -> None:
        if e.data.units % 3 == 0:
            await views.delete(Tally, e.stream)
        else:
            await views.update(Tally, e.stream, last=e.version)


class Adding(ProjectionHandler, writes=[Tally], name="tally", commutative=True):
    """Commutative changes of rows that all streams feed."""

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        await views.add(Tally, "all", units=e.data.units, events=1)
        await views.max(Tally, f"tens-{e.data.units // 10}", last=e.data.units)

    @on(Removed)
    async def removed(self, e: Recorded[Removed], views: Views) -> None:
        await views.add(Tally, "all", units=-e.data.units, events=1)


class AddingRanged(Adding, name="tally", commutative=True, key_ranges=3):
    """By several workers in one partition."""


class InLanes(BatchProjectionHandler, writes=[Tally], name="tally", key="units"):
    """Concurrently, by a key that is not the stream; a change that does not commute."""

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        row = await views.get(Tally, str(e.data.units)) or Tally(id=str(e.data.units))
        await views.insert(msgspec.structs.replace(row, path=f"{row.path[-40:]}/{e.stream}", events=row.events + 1))


class InOrder(ProjectionHandler, writes=[Tally], name="tally"):
    """Rows that all streams of a partition feed, in the log's order."""

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        id = f"partition-{e.position.partition}"
        row = await views.get(Tally, id) or Tally(id=id)
        path = f"{row.path[-60:]}/{e.stream}@{e.version}"
        await views.insert(Tally(id=id, units=row.units * 2 % 1_000_003 + e.data.units, last=e.data.units, path=path))


PROMISED: dict[str, Callable[[], ProjectionHandler]] = {
    "one key, folded": Folded,
    "one key": OneKey,
    "commutative": Adding,
    "commutative, in ranges": AddingRanged,
    "one partition": InOrder,
}
BY_KEY: dict[str, Callable[[], ProjectionHandler]] = {"lanes": lambda: InLanes(batch_size=4, parallelism=3)}

Step = tuple[str, Event]
steps: st.SearchStrategy[Step] = st.tuples(
    st.sampled_from([f"item-{number}" for number in range(6)]),
    st.one_of(
        st.builds(Added, units=st.integers(0, 30)),
        st.builds(Removed, units=st.integers(0, 30)),
    ),
)
histories = st.lists(steps, max_size=40)
few = settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])


async def opened(name: str, stack: AsyncExitStack) -> Shop:
    clock = ManualClock()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    url = await stack.enter_async_context(fresh_store(name, folder))
    engine = open_engine(url, EngineOptions(clock=clock))
    identity = await engine.open()
    stack.push_async_callback(engine.close)
    return Shop(engine, identity, clock)


async def tally(shop: Shop) -> list[Tally]:
    rows = await shop.engine.read_models.find(Tally, Selection())
    return sorted(rows, key=lambda row: row.id)


async def live_and_rebuilt(
    shop: Shop, make: Callable[[], ProjectionHandler], history: list[Step], cuts: list[int]
) -> tuple[list[Tally], list[Tally]]:
    """Live: in as many runs as the history is cut into, with appends while it runs. Then rebuilt, by other pages."""
    cut = sorted({min(cut, len(history)) for cut in cuts} | {0, len(history)})
    for start, end in zip(cut, cut[1:] or cut, strict=False):
        running = shop.synchronizer(make(), parts=shop.fresh_parts(), options=OPTIONS)
        await running.start()
        for stream, event in history[start:end]:
            await shop.append(stream, event)
        await running.caught_up()
        await running.stop()
    live = await tally(shop)
    again = shop.synchronizer(make(), parts=shop.fresh_parts(), options=OPTIONS)
    await again.rebuild_read_model(Tally, batch_size=7)
    return live, await tally(shop)


@pytest.mark.parametrize("make", PROMISED.values(), ids=PROMISED)
@pytest.mark.parametrize("name", ENGINES)
@few
@given(history=histories, cuts=st.lists(st.integers(0, 40), max_size=3))
async def test_it_does_over_any_history(
    name: str, make: Callable[[], ProjectionHandler], history: list[Step], cuts: list[int]
) -> None:
    async with AsyncExitStack() as stack:
        shop = await opened(name, stack)
        live, rebuilt = await live_and_rebuilt(shop, make, history, cuts)
        assert rebuilt == live


@pytest.mark.parametrize("name", ["memory", "sqlite"])
@few
@given(history=histories, cuts=st.lists(st.integers(0, 40), max_size=3))
async def test_it_does_for_keys_side_by_side(name: str, history: list[Step], cuts: list[int]) -> None:
    """A key that joins streams, where all of them lie in one partition."""
    async with AsyncExitStack() as stack:
        shop = await opened(name, stack)
        live, rebuilt = await live_and_rebuilt(shop, BY_KEY["lanes"], history, cuts)
        assert rebuilt == live


class Fragile(Folded, name="tally"):
    """Refuses some amounts until it is mended."""

    def __init__(self, poison: frozenset[int]) -> None:
        self.poison = poison

    @on(Added)
    def added(self, row: Tally | None, e: Recorded[Added]) -> Tally | None:
        if e.data.units in self.poison:
            raise Poisonous(f"{e.data.units} units")
        return super().added(row, e)


@pytest.mark.parametrize("name", ENGINES)
@few
@given(history=histories, poison=st.frozensets(st.integers(0, 30), max_size=6))
async def test_it_does_for_keys_that_were_parked_and_mended(
    name: str, history: list[Step], poison: frozenset[int]
) -> None:
    """Rows of one key do not care when it was let go on."""
    async with AsyncExitStack() as stack:
        shop = await opened(name, stack)
        running = shop.synchronizer(Fragile(poison), parts=shop.fresh_parts(), options=OPTIONS)
        await running.start()
        for stream, event in history:
            await shop.append(stream, event)
        await running.caught_up()
        await running.stop()
        mended = shop.synchronizer(Fragile(frozenset()), parts=shop.fresh_parts(), options=OPTIONS)
        await mended.dead_letters.retry("tally")
        live = await tally(shop)
        await mended.rebuild_read_model(Tally, batch_size=7)
        assert await mended.dead_letters.list() == []
        assert await tally(shop) == live


@pytest.mark.parametrize("name", ENGINES)
@few
@given(history=histories, poison=st.frozensets(st.integers(0, 30), max_size=6))
async def test_what_is_parked_live_is_parked_rebuilt(name: str, history: list[Step], poison: frozenset[int]) -> None:
    async with AsyncExitStack() as stack:
        shop = await opened(name, stack)
        running = shop.synchronizer(Fragile(poison), parts=shop.fresh_parts(), options=OPTIONS)
        await running.start()
        for stream, event in history:
            await shop.append(stream, event)
        await running.caught_up()
        live = await tally(shop), await parked(running)
        await running.rebuild_read_model(Tally, batch_size=3)
        await running.stop()
        assert (await tally(shop), await parked(running)) == live


async def parked(synchronizer: ReadModelSynchronizer) -> list[tuple[int, int, str | None]]:
    return [(event.partition, event.offset, event.error) for event in await synchronizer.dead_letters.list()]


# -- where it is not promised ------------------------------------------------------


def test_side_by_side_without_a_key_is_refused() -> None:
    class Undeclared(BatchProjectionHandler, writes=[Tally], name="tally"):
        @on(Added)
        async def added(self, e: Recorded[Added]) -> None: ...

    with pytest.raises(BadDeclaration, match="needs a declared key=, or commutative=True"):
        bind(Undeclared(parallelism=4), Injector())


class Lying(ProjectionHandler, writes=[Tally], name="tally", commutative=True):
    """Says that it only accumulates."""

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        await views.insert(Tally(id="all", last=e.data.units))


async def test_a_change_that_does_not_commute_is_refused_to_who_says_so(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1))
    running = shop.synchronizer(Lying(), options=OPTIONS)
    await running.start()
    await running.caught_up()
    await running.stop()
    (parked,) = await running.dead_letters.list()
    assert (parked.error or "").startswith("NotCommutative")
    assert await tally(shop) == []
