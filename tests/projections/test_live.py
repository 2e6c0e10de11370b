"""Live projections, and the same class under three lifecycles."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.commands.repository import Repository
from headwater.domain.messages import Command, Event
from headwater.errors import BadDeclaration, NotOwner, NotStored
from headwater.handling.routing import handles
from headwater.manager import CQRSManager
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.projections.lifecycle import inline, lifecycle_of, live
from headwater.read_models.views import Views
from tests.projections.accounts import (
    Account,
    AccountView,
    Balances,
    Closed,
    Deposited,
    Opened,
    Owners,
    Withdrawn,
    application,
    on_file,
    rows,
    write,
)
from tests.stores import ENGINES, fresh_store


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Engine:
    return open_engine(url_of(request.param), EngineOptions())


class Deposit(Command[None]):
    id: str


@handles(Deposit)
async def deposit(c: Deposit, accounts: Repository[Account]) -> None:
    account = Account(c.id)
    account.emit(Deposited(amount=1))
    await accounts.save(account)


# -- one class, three lifecycles ---------------------------------------------------

IDS = ["a", "b", "c"]
amounts = st.integers(1, 99)
events = st.one_of(
    st.builds(lambda owner: Opened(owner=owner), st.sampled_from(["ann", "bob"])),
    st.builds(lambda amount: Deposited(amount=amount), amounts),
    st.builds(lambda amount: Withdrawn(amount=amount), amounts),
    st.just(Closed()),
)
histories = st.lists(st.tuples(st.sampled_from(IDS), st.lists(events, min_size=1, max_size=4)), max_size=12)


def _async(fold: Balances) -> Balances:
    return fold


async def outcome(
    lifecycle: Callable[[Balances], Balances], history: list[tuple[str, list[Event]]], engine: Engine
) -> tuple[list[AccountView | None], CQRSManager]:
    """The rows as `fetch_latest` gives them, asked for while the projection is anywhere; and what gave them."""
    cqrs = application(engine, lifecycle(Balances()))
    await cqrs.initialize()
    for id, new in history:
        await write(cqrs, id, *new)
    return [await cqrs.fetch_latest(AccountView, id) for id in IDS], cqrs


@pytest.mark.parametrize("name", ENGINES)
@given(history=histories)
@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])
async def test_the_rows_are_equal_under_every_lifecycle_and_rebuilt(
    history: list[tuple[str, list[Event]]], name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with AsyncExitStack() as stack:
        lifecycles: list[Callable[[Balances], Balances]]
        lifecycles = [live, _async] if name == "cassandra" else [live, _async, inline]  # there it is refused
        urls = [await stack.enter_async_context(fresh_store(name, tmp_path_factory.mktemp("one"))) for _ in lifecycles]
        engines = [open_engine(url, EngineOptions()) for url in urls]
        await equal_under_every_lifecycle(history, dict(zip(lifecycles, engines, strict=True)))


async def equal_under_every_lifecycle(
    history: list[tuple[str, list[Event]]], engines: dict[Callable[[Balances], Balances], Engine]
) -> None:
    computed, of_live = await outcome(live, history, engines[live])
    late, of_async = await outcome(_async, history, engines[_async])
    assert computed == late
    expected = {row.id: (row.owner, row.balance, row.events) for row in computed if row}
    await of_async.synchronizer.caught_up()
    assert await rows(of_async) == expected
    await of_async.synchronizer.rebuild_read_model(Balances)
    assert await rows(of_async) == expected
    await of_live.close()
    await of_async.close()
    if inline in engines:
        inlined, of_inline = await outcome(inline, history, engines[inline])
        assert inlined == computed
        assert await rows(of_inline) == expected, "stored with the events"
        await of_inline.close()


# -- nothing is stored -------------------------------------------------------------


async def test_a_query_says_what_to_use_instead(engine: Engine) -> None:
    async with application(engine, live(Balances()), Owners()) as cqrs:
        await write(cqrs, "a1", Deposited(amount=1))
        views: Views = cqrs.read_models
        for asked in (
            views.get(AccountView, "a1"),
            views.find(AccountView),
            views.count(AccountView),
            views.aggregate(AccountView, [{"$limit": 1}]),
            views.get_many(AccountView, ["a1"]),
        ):
            with pytest.raises(NotStored, match=r"AccountView is registered with live.* fetch_latest"):
                await asked
        with pytest.raises(NotOwner):
            await views.insert(AccountView(id="a1"))


async def test_it_has_no_table_and_no_checkpoint(tmp_path: Path) -> None:
    async with application(on_file(tmp_path), live(Balances()), Owners()) as cqrs:
        await write(cqrs, "a1", Deposited(amount=1))
        await cqrs.synchronizer.caught_up()
        assert {kept.place.projection for kept in await cqrs.engine.projections.checkpoints()} == {"owners"}
        assert [status.projection for status in await cqrs.synchronizer.status()] == ["owners"]
    connection = apsw.Connection(str(tmp_path / "accounts.db"))
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    connection.close()
    assert "owner_view" in tables
    assert "account_view" not in tables


async def test_it_may_be_registered_later_and_waited_for(engine: Engine) -> None:
    cqrs = application(engine)
    cqrs.register(live(Balances()), deposit)
    async with cqrs:
        for number, target in enumerate((Balances, "balances", AccountView)):
            await cqrs.commands.execute(Deposit(id=f"a{number}"), wait_for=[target])
            row = await cqrs.fetch_latest(AccountView, f"a{number}")
            assert row is not None
            assert row.balance == 1


def test_a_lifecycle_is_of_the_object_not_of_its_class() -> None:
    assert lifecycle_of(Balances()) == "async"
    assert lifecycle_of(inline(Balances())) == "inline"
    assert lifecycle_of(live(inline(Balances()))) == "live"


def test_only_folds_of_streams_can_be_live() -> None:
    class ByOwner(Balances, key="owner"):
        pass

    with pytest.raises(BadDeclaration, match="ByOwner is keyed by what is not the stream"):
        live(ByOwner())
    with pytest.raises(BadDeclaration, match="takes a Fold object"):
        live(Owners())  # type: ignore[type-var]
