"""A row that is asked for while its page is written, and its checkpoint has yet to move, has each event once."""

from __future__ import annotations

import asyncio

import pytest

from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.projection_store import CassandraProjectionStore
from headwater.ports.engine import EngineOptions
from tests.projections.accounts import AccountView, Balances, Deposited, application, write


async def test_what_a_page_has_made_of_a_row_is_not_added_again(
    cassandra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_written, goes_on = asyncio.Event(), asyncio.Event()
    move = CassandraProjectionStore._move

    async def held(self: CassandraProjectionStore, *commit: object) -> None:
        """Rows are there."""
        if commit[0].changes:  # type: ignore[attr-defined]
            is_written.set()
            await goes_on.wait()
        await move(self, *commit)  # type: ignore[arg-type]

    monkeypatch.setattr(CassandraProjectionStore, "_move", held)
    async with application(open_engine(cassandra, EngineOptions()), Balances(), run=False) as cqrs:
        await write(cqrs, "a", Deposited(amount=5), Deposited(amount=2))
        await cqrs.synchronizer.start()
        await is_written.wait()
        found = await cqrs.fetch_latest(AccountView, "a")
        goes_on.set()
        await cqrs.synchronizer.caught_up()
        assert found == AccountView(id="a", balance=7, events=2) == await cqrs.read_models.get(AccountView, "a")
