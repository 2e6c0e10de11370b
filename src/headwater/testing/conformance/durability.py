"""What was acknowledged is there when the store is opened again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from headwater.ports.engine import Engine
from headwater.ports.parking import ParkedEvent
from headwater.ports.snapshots import Snapshot
from headwater.testing.conformance.projection_store import commit_of
from headwater.testing.controls import ANN, BOB, MAIL, Tally, append_of, command_of, contents, tally

__all__ = ["DurabilityConformance"]


class DurabilityConformance:
    """Enrol with the fixtures `engine` and `reopen`: it closes the engine and returns one open on the same store."""

    async def test_acknowledged_appends_survive(self, engine: Engine, reopen: Callable[[], Awaitable[Engine]]) -> None:
        for number in range(50):
            await engine.events.append(append_of(ANN, command=command_of(f"c{number}")))
        await engine.events.append(append_of(BOB, 2, claims=(MAIL,)))
        before = await contents(engine, MAIL)
        again = await reopen()
        assert await contents(again, MAIL) == before
        assert (await again.events.append(append_of(ANN, command=command_of("c7")))).replayed is not None

    async def test_projections_survive(self, engine: Engine, reopen: Callable[[], Awaitable[Engine]]) -> None:
        await engine.read_model_schema.ensure([Tally])
        parked = ParkedEvent(
            projection="p", partition=0, offset=2, key="user-ann", type="Noted", error="ValueError: no"
        )
        await engine.projections.commit(commit_of(0, 5, tally("a", 1), epoch=3, parked=(parked,)))
        again = await reopen()
        await again.read_model_schema.ensure([Tally])
        checkpoint = await again.projections.checkpoint("p", 0)
        assert (checkpoint.offset, checkpoint.epoch) == (5, 3)
        assert await again.read_models.get(Tally, "a") == Tally(name="a", total=1)
        assert list(await again.parking.parked()) == [parked]

    async def test_epochs_and_snapshots_survive(self, engine: Engine, reopen: Callable[[], Awaitable[Engine]]) -> None:
        lease = await engine.leases.acquire("p/0", "me", 10)
        assert lease is not None
        await engine.leases.release(lease)
        snapshot = Snapshot(stream="user-ann", kind="User/1", version=1, state=b"state")
        await engine.snapshots.save(snapshot)
        again = await reopen()
        taken = await again.leases.acquire("p/0", "you", 10)
        assert taken is not None
        assert taken.epoch > lease.epoch
        assert await again.snapshots.load("user-ann", "User/1") == snapshot

    async def test_it_stays_the_same_store(self, engine: Engine, reopen: Callable[[], Awaitable[Engine]]) -> None:
        before = (await engine.admin.info()).store_id
        assert (await (await reopen()).admin.info()).store_id == before
