"""fetch_latest and fetch_for_writing: the row of a stream as of its head, whatever is stored of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import msgspec
import pytest

from headwater.domain.event import Recorded, StoredEvent
from headwater.domain.on import on
from headwater.domain.stream import StreamId
from headwater.engines.memory import MemoryEngine
from headwater.errors import BadDeclaration, InvalidId, InvalidInput, UnknownName
from headwater.manager import CQRSManager
from headwater.models.model import Key, ReadModel
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.ports.event_store import EventStore
from headwater.ports.parking import ParkedEvent, Parking
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionStore
from headwater.projections.error_policy import ErrorPolicy
from headwater.projections.fold import Fold
from headwater.projections.lifecycle import inline, live
from headwater.projections.parts import ProjectionParts
from tests.projections.accounts import (
    Account,
    AccountView,
    Balances,
    Closed,
    Deposited,
    Opened,
    Withdrawn,
    application,
    rows,
    write,
    write_as,
)
from tests.projections.shop import Poisonous
from tests.stores import ENGINES


def _async(fold: Balances) -> Balances:
    return fold


LIFECYCLES = [_async, pytest.param(inline, marks=pytest.mark.transactional), live]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Engine:
    return open_engine(url_of(request.param), EngineOptions())


@pytest.fixture(params=LIFECYCLES)
def lifecycle(request: pytest.FixtureRequest) -> Callable[[Balances], Balances]:
    found: Callable[[Balances], Balances] = request.param
    return found


def view(id: str, balance: int, events: int, owner: str = "") -> AccountView:
    return AccountView(id=id, owner=owner, balance=balance, events=events)


# -- to be looked at ---------------------------------------------------------------


async def test_the_row_is_as_of_now_though_no_projection_runs(
    engine: Engine, lifecycle: Callable[[Balances], Balances]
) -> None:
    async with application(engine, lifecycle(Balances()), run=False) as cqrs:
        assert await cqrs.fetch_latest(AccountView, "a1") is None
        await write(cqrs, "a1", Opened(owner="ann"), Deposited(amount=5))
        assert await cqrs.fetch_latest(AccountView, "a1") == view("a1", 5, 2, "ann")
        await write_as(cqrs, "account-a1", None, Withdrawn(amount=2))
        assert await cqrs.fetch_latest(AccountView, "a1") == view("a1", 3, 3, "ann")
        await write(cqrs, "a1", Closed())
        assert await cqrs.fetch_latest(AccountView, "a1") is None


class WatchedEvents:
    """An event store that counts what is loaded."""

    def __init__(self, inner: EventStore) -> None:
        self._inner = inner
        self.loaded = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def load(self, stream: StreamId, after: int = 0, up_to: int | None = None) -> Sequence[StoredEvent]:
        found = await self._inner.load(stream, after, up_to)
        self.loaded += len(found)
        return found


async def test_a_stored_row_saves_the_long_history(engine: Engine) -> None:
    watched = WatchedEvents(engine.events)
    fold = Balances()
    async with application(engine, fold, run=False) as cqrs:
        await write(cqrs, "a1", *[Deposited(amount=1)] * 600)
        await cqrs.synchronizer.start()
        await cqrs.synchronizer.caught_up()
        await cqrs.synchronizer.stop()
        await write(cqrs, "a1", *[Deposited(amount=1)] * 20)
        rows_of = cqrs._wiring.latest._rows
        rows_of._events = watched  # type: ignore[assignment]
        fold.steps = 0
        assert await cqrs.fetch_latest(AccountView, "a1") == view("a1", 620, 620)
        assert fold.steps == 20
        assert watched.loaded < 100


class Interrupting:
    """A projection store in which something happens between two looks at the checkpoint."""

    def __init__(self, inner: ProjectionStore, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._inner = inner
        self._meanwhile = meanwhile
        self.times = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def checkpoint(self, place: Place) -> Checkpoint:
        found = await self._inner.checkpoint(place)
        if self.times:
            self.times -= 1
            await self._meanwhile()
        return found


@pytest.mark.parametrize("times", [1, 2, 10])
async def test_a_row_that_is_written_while_it_is_read_is_read_again(engine: Engine, times: int) -> None:
    async with application(engine, Balances()) as cqrs:
        await write(cqrs, "a1", Deposited(amount=1))
        await cqrs.synchronizer.caught_up()

        async def meanwhile() -> None:
            await write(cqrs, "a1", Deposited(amount=1))
            await cqrs.synchronizer.caught_up()

        latest, parts = cqrs._wiring.latest, cqrs._wiring.parts
        interrupting = Interrupting(parts.store, meanwhile)
        latest._rows._parts = _with_store(cqrs, interrupting)
        interrupting.times = times
        row = await cqrs.fetch_latest(AccountView, "a1")
        account = await cqrs.repository(Account).load("a1")
        assert row == view("a1", account.balance, account.version)
        assert account.version > 1


class ThenMeanwhile:
    """Parking where something happens just after the first look at what is parked."""

    def __init__(self, inner: Parking, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._inner = inner
        self._meanwhile: Callable[[], Awaitable[object]] | None = meanwhile

    async def parked(
        self, projection: str, key: str | None = None, *, generation: int | None = None, limit: int = 1_000
    ) -> Sequence[ParkedEvent]:
        found = await self._inner.parked(projection, key, generation=generation, limit=limit)
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return found


async def test_a_reset_while_the_row_is_read_is_noticed(engine: Engine) -> None:
    fold = Balances()
    async with application(engine, fold) as cqrs:
        await write(cqrs, "a1", Deposited(amount=1), Deposited(amount=2))
        await cqrs.synchronizer.caught_up()

        async def meanwhile() -> None:
            fold.poison = {1}
            await cqrs.synchronizer.reset(Balances)
            await write(cqrs, "a2", Deposited(amount=3))
            await cqrs.synchronizer.caught_up()
            fold.poison = set()

        cqrs._wiring.latest._rows._parts = msgspec.structs.replace(
            cqrs._wiring.parts, parking=cast("Parking", ThenMeanwhile(cqrs._wiring.parts.parking, meanwhile))
        )
        assert await cqrs.fetch_latest(AccountView, "a1") == view("a1", 3, 2)


async def test_with_something_parked_the_stream_is_folded(engine: Engine) -> None:
    fold = Balances()
    fold.poison = {13}
    async with application(engine, fold) as cqrs:
        await write(cqrs, "a1", Deposited(amount=1), Deposited(amount=13), Deposited(amount=2))
        await cqrs.synchronizer.caught_up()
        assert await rows(cqrs) == {"a1": ("", 1, 1)}
        with pytest.raises(Poisonous):
            await cqrs.fetch_latest(AccountView, "a1")
        fold.poison = set()
        assert await cqrs.fetch_latest(AccountView, "a1") == view("a1", 16, 3)


async def test_what_the_projection_skips_is_skipped(engine: Engine) -> None:
    class Lenient(Balances, errors={Poisonous: ErrorPolicy(then="skip", retries=0)}):
        pass

    fold = Lenient()
    fold.poison = {13}
    async with application(engine, fold, run=False) as cqrs:
        await write(cqrs, "a1", Deposited(amount=1), Deposited(amount=13), Deposited(amount=2))
        assert await cqrs.fetch_latest(AccountView, "a1") == view("a1", 3, 2)
        await cqrs.synchronizer.start()
        await cqrs.synchronizer.caught_up()
        assert await rows(cqrs) == {"a1": ("", 3, 2)}


async def test_rows_of_another_version_are_not_built_on(engine: Engine) -> None:
    class Doubled(Balances, name="balances", version=2):
        def _with(self, row: AccountView | None, stream: str, owner: str | None, amount: int) -> AccountView:
            return super()._with(row, stream, owner, 2 * amount)

    async with application(engine, Balances()) as first:
        await write(first, "a1", Deposited(amount=1))
        await first.synchronizer.caught_up()
        second = application(engine, Doubled())
        assert await second.fetch_latest(AccountView, "a1") == view("a1", 2, 1)
        assert await first.fetch_latest(AccountView, "a1") == view("a1", 1, 1)


# -- what cannot be asked ----------------------------------------------------------


class OwnerView(ReadModel, table="latest_owner"):
    owner: Key[str]


class ByOwner(Fold[OwnerView], key="owner"):
    @on(Opened)
    def opened(self, row: OwnerView | None, e: Recorded[Opened]) -> OwnerView | None:
        return OwnerView(owner=e.data.owner)


class Unregistered(ReadModel):
    id: Key[str]


async def test_what_is_no_row_of_a_stream_is_told_as_such() -> None:
    async with application(MemoryEngine(), Balances(), ByOwner()) as cqrs:
        with pytest.raises(UnknownName, match=r"Unregistered is the row of no Fold .* AccountView, OwnerView"):
            await cqrs.fetch_latest(Unregistered, "a1")
        with pytest.raises(InvalidInput, match="OwnerView has rows of what is not a stream"):
            await cqrs.fetch_latest(OwnerView, "ann")
        with pytest.raises(InvalidId):
            await cqrs.fetch_latest(AccountView, "")


async def test_the_category_is_that_of_the_only_aggregate_or_declared() -> None:
    class NoCategory(Fold[AccountView]):
        @on(Closed)
        def closed(self, row: AccountView | None, e: Recorded[Closed]) -> AccountView | None:
            return AccountView(id=e.stream.partition("-")[2], events=1)

    async with application(MemoryEngine(), NoCategory()) as cqrs:
        await write(cqrs, "a1", Closed())
        assert await cqrs.fetch_latest(AccountView, "a1") == view("a1", 0, 1)
    async with CQRSManager(MemoryEngine(), projections=[NoCategory()]) as cqrs:
        with pytest.raises(BadDeclaration, match=r"NoCategory .* declare category= on it"):
            await cqrs.fetch_latest(AccountView, "a1")


def _with_store(cqrs: CQRSManager, store: Interrupting) -> ProjectionParts:
    return msgspec.structs.replace(cqrs._wiring.parts, store=cast("ProjectionStore", store))
