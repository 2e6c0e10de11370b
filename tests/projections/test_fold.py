"""Folds: rows of a page read at once, folded in memory; what fails stops its own key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.domain.event import Recorded
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.engines.memory import MemoryEngine
from headwater.models.model import Key, ReadModel
from headwater.models.selection import Selection
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.fold import Fold
from tests.projections.accounts import (
    AccountView,
    Balances,
    Closed,
    Deposited,
    Opened,
    Withdrawn,
    application,
    on_file,
    rows,
    write,
    write_as,
)
from tests.stores import ENGINES

M = TypeVar("M", bound=ReadModel)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Engine:
    return open_engine(url_of(request.param), EngineOptions())


class Moved(Event, name="FoldMoved"):
    number: int
    to: str


class PlaceView(ReadModel, table="fold_place"):
    number: Key[int]
    to: str
    moves: int = 0


class Places(Fold[PlaceView], key="number", partition_by="to"):
    @on(Moved)
    def moved(self, row: PlaceView | None, e: Recorded[Moved]) -> PlaceView | None:
        return PlaceView(number=e.data.number, to=e.data.to, moves=(row.moves if row else 0) + 1)


# -- exactly ---------------------------------------------------------------------


async def test_rows_follow_from_their_keys_events(engine: Engine) -> None:
    async with application(engine, Balances()) as cqrs:
        await write(cqrs, "a1", Opened(owner="ann"), Deposited(amount=5))
        await write(cqrs, "a2", Opened(owner="bob"), Deposited(amount=9), Withdrawn(amount=4))
        await write(cqrs, "a1", Deposited(amount=7))
        await cqrs.synchronizer.caught_up()
        assert await rows(cqrs) == {"a1": ("ann", 12, 3), "a2": ("bob", 5, 3)}


async def test_none_takes_the_row_away_and_a_later_event_begins_anew(engine: Engine) -> None:
    async with application(engine, Balances()) as cqrs:
        await write(cqrs, "a1", Opened(owner="ann"), Closed())
        await write(cqrs, "a2", Deposited(amount=1), Closed(), Deposited(amount=3))
        await write(cqrs, "a3", Closed())
        await cqrs.synchronizer.caught_up()
        assert await rows(cqrs) == {"a2": ("", 3, 1)}
        await write(cqrs, "a2", Closed(), Deposited(amount=4))
        await cqrs.synchronizer.caught_up()
        assert await rows(cqrs) == {"a2": ("", 4, 1)}


async def test_a_key_is_a_field_of_the_data_of_the_kind_of_the_models(engine: Engine) -> None:
    async with application(engine, Places(), run=False) as cqrs:
        await write_as(cqrs, "user-u1", "harbour", Moved(number=1, to="harbour"), Moved(number=2, to="harbour"))
        await write_as(cqrs, "user-u2", "harbour", Moved(number=1, to="harbour"))
        await cqrs.synchronizer.start()
        await cqrs.synchronizer.caught_up()
        assert [(row.number, row.moves) for row in await cqrs.read_models.find(PlaceView)] == [(1, 2), (2, 1)]


async def test_a_key_may_be_a_function_of_the_event(tmp_path: Path) -> None:
    class ByLength(Fold[PlaceView], key=lambda e: len(e.stream)):
        @on(Moved)
        def moved(self, row: PlaceView | None, e: Recorded[Moved]) -> PlaceView | None:
            return PlaceView(number=len(e.stream), to=e.data.to, moves=(row.moves if row else 0) + 1)

    async with application(on_file(tmp_path), ByLength()) as cqrs:
        for stream in ("user-1", "user-2", "user-33"):
            await write_as(cqrs, stream, None, Moved(number=0, to=""))
        await cqrs.synchronizer.caught_up()
        assert [(row.number, row.moves) for row in await cqrs.read_models.find(PlaceView)] == [(6, 2), (7, 1)]


# -- in few steps ----------------------------------------------------------------


class Watched:
    """Reads of rows and commits of changes, counted."""

    def __init__(self, engine: Engine) -> None:
        self._reads, self._store = engine.read_models, engine.projections
        self.finds = self.gets = 0
        self.changes: list[int] = []
        engine.read_models = engine.projections = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> object:
        return getattr(self._store if hasattr(self._store, name) else self._reads, name)

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        self.finds += 1
        return await self._reads.find(model, selection)

    async def get(self, model: type[M], key: object) -> M | None:
        self.gets += 1
        return await self._reads.get(model, key)

    async def commit(self, commit: ProjectionCommit) -> None:
        if commit.changes:
            self.changes.append(len(commit.changes))
        await self._store.commit(commit)


async def test_the_rows_of_a_page_are_read_at_once_and_each_is_written_once() -> None:
    engine = MemoryEngine()
    watched = Watched(engine)
    async with application(engine, Balances(), run=False) as cqrs:
        for _ in range(7):
            await write(cqrs, "a1", Deposited(amount=1))
        for number in range(7):
            await write(cqrs, f"b{number % 3}", Deposited(amount=1))
        await cqrs.synchronizer.start()
        await cqrs.synchronizer.caught_up()
        assert (watched.finds, watched.gets, watched.changes) == (2, 0, [1, 3])


# -- what fails ------------------------------------------------------------------


async def test_a_poisonous_event_stops_its_key_and_is_not_tried_in_vain(engine: Engine) -> None:
    fold = Balances()
    fold.poison = {13}
    async with application(engine, fold) as cqrs:
        for id in ("a1", "a2", "a3"):
            await write(cqrs, id, Opened(owner=id), Deposited(amount=1))
        await write(cqrs, "a2", Deposited(amount=13), Deposited(amount=2))
        await write(cqrs, "a1", Deposited(amount=3))
        await cqrs.synchronizer.caught_up()
        assert await rows(cqrs) == {"a1": ("a1", 4, 3), "a2": ("a2", 1, 2), "a3": ("a3", 1, 2)}
        letters = await cqrs.synchronizer.dead_letters.list()
        assert [letter.error for letter in letters] == ["Poisonous: 13", None]
        assert {letter.key for letter in letters} == {"account-a2"}
        assert fold.refused == 1
        fold.poison = set()
        await cqrs.synchronizer.dead_letters.retry("balances")
        await cqrs.synchronizer.caught_up()
        assert (await rows(cqrs))["a2"] == ("a2", 16, 4)


class Careless(Fold[AccountView]):
    """Makes rows that are not the event's."""

    @on(Opened)
    def opened(self, row: AccountView | None, e: Recorded[Opened]) -> AccountView | None:
        return AccountView(id="somebody else")

    @on(Deposited)
    def deposited(self, row: AccountView | None, e: Recorded[Deposited]) -> AccountView | None:
        return PlaceView(number=1, to="")  # type: ignore[return-value]

    @on(Withdrawn)
    def withdrawn(self, row: AccountView | None, e: Recorded[Withdrawn]) -> AccountView | None:
        return AccountView(id=e.stream.partition("-")[2], balance="much")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Opened(owner="ann"), "a row has the key of its events"),
        (Deposited(amount=1), "return the AccountView, or None"),
        (Withdrawn(amount=1), "'balance' takes integer"),
    ],
)
async def test_a_row_that_is_not_the_events_parks_it(engine: Engine, event: Event, said: str) -> None:
    async with application(engine, Careless()) as cqrs:
        await write(cqrs, "a1", event)
        await cqrs.synchronizer.caught_up()
        [letter] = await cqrs.synchronizer.dead_letters.list()
        assert letter.error is not None
        assert letter.error.startswith("InvalidMessage")
        assert said in letter.error
        assert await rows(cqrs) == {}


async def test_a_key_of_another_kind_parks_the_event(tmp_path: Path) -> None:
    class ByPlace(Fold[PlaceView], key="to"):
        @on(Moved)
        def moved(self, row: PlaceView | None, e: Recorded[Moved]) -> PlaceView | None:
            return row

    async with application(on_file(tmp_path), ByPlace()) as cqrs:
        await write_as(cqrs, "user-u1", None, Moved(number=1, to="harbour"))
        await cqrs.synchronizer.caught_up()
        [letter] = await cqrs.synchronizer.dead_letters.list()
        assert "for the key of a row" in (letter.error or "")


history = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 9)), max_size=40)


@given(history=history, poison=st.sets(st.integers(1, 9), max_size=2), partitions=st.sampled_from([1, 4]))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_each_key_ends_before_its_first_poison(
    history: list[tuple[str, int]], poison: set[int], partitions: int
) -> None:
    expected: dict[str, tuple[str, int, int]] = {}
    stopped: set[str] = set()
    for id, amount in history:
        stopped |= {id} if amount in poison else set()
        if id not in stopped:
            _, balance, events = expected.get(id, ("", 0, 0))
            expected[id] = ("", balance + amount, events + 1)
    fold = Balances()
    fold.poison = poison
    async with application(MemoryEngine(partitions), fold) as cqrs:
        for id, amount in history:
            await write(cqrs, id, Deposited(amount=amount))
        await cqrs.synchronizer.caught_up()
        assert await rows(cqrs) == expected


# -- elsewhere -------------------------------------------------------------------


async def test_one_stream_can_be_reset(engine: Engine) -> None:
    async with application(engine, Balances()) as cqrs:
        for id in ("a1", "a2"):
            await write(cqrs, id, Opened(owner=id), Deposited(amount=1))
        await cqrs.synchronizer.caught_up()
        before = await rows(cqrs)
        await cqrs.synchronizer.reset(Balances, stream="account-a1")
        await cqrs.synchronizer.caught_up()
        assert await rows(cqrs) == before


async def test_a_rebuilt_fold_equals_the_one_before(engine: Engine) -> None:
    async with application(engine, Balances()) as cqrs:
        for number in range(20):
            await write(cqrs, f"a{number % 4}", Deposited(amount=number))
        await cqrs.synchronizer.caught_up()
        before = await rows(cqrs)
        await cqrs.synchronizer.rebuild_read_model(Balances)
        assert await rows(cqrs) == before
