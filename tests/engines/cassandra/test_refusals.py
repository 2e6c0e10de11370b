"""What Cassandra cannot honour is refused by name: inline projections and boundaries when the application starts, the
rest before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater import Boundaries, Command, CQRSManager, ReadModelSnapshotManager, handles, inline
from headwater.errors import BadDeclaration
from tests.projections.accounts import Account, Balances, Deposited


class Decide(Command[None]):
    pass


@handles(Decide)
async def decide(_: Decide, boundaries: Boundaries) -> None: ...


async def test_an_inline_projection(cassandra: str) -> None:
    cqrs = CQRSManager(cassandra, projections=[inline(Balances())])
    with pytest.raises(BadDeclaration, match="cassandra cannot commit its rows with the events"):
        await cqrs.initialize()
    await cqrs.close()


async def test_a_decision_over_boundaries(cassandra: str) -> None:
    cqrs = CQRSManager(cassandra, handlers=[decide])
    with pytest.raises(BadDeclaration, match="boundaries, which cassandra does not hold"):
        await cqrs.initialize()
    await cqrs.close()


async def test_several_streams_in_one_append(cassandra: str) -> None:
    async with CQRSManager(cassandra, events=[Deposited]) as cqrs:
        accounts = [Account("a"), Account("b")]
        for account in accounts:
            account.emit(Deposited(amount=1))
        with pytest.raises(BadDeclaration, match="one stream at a time"):
            await cqrs.repository(Account).save_all(*accounts)
        assert await cqrs.repository(Account).count() == 0


async def test_snapshots_of_read_models(cassandra: str, tmp_path: Path) -> None:
    async with CQRSManager(cassandra, projections=[Balances()]) as cqrs:
        with pytest.raises(BadDeclaration, match="cannot read all rows as of one moment"):
            ReadModelSnapshotManager(cqrs, directory=tmp_path)
