"""What was acknowledged is there when the store is opened again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from headwater.ports.conditions import Pause
from headwater.ports.engine import Engine
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint
from headwater.ports.snapshots import Snapshot
from headwater.testing.conformance.commits import commit_of, parked_at, state_of, swap, totals
from headwater.testing.conformance.conditions import trouble_at
from headwater.testing.conformance.generations import begin, fill
from headwater.testing.conformance.journal import entry
from headwater.testing.controls import ANN, BOB, MAIL, Remark, Tally, append_of, command_of, contents, tally

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
        parked = parked_at(2)
        await engine.projections.commit(commit_of(0, 5, tally("a", 1), epoch=3, parked=(parked,), effects=4))
        again = await reopen()
        await again.read_model_schema.ensure([Tally])
        place = Place("p", 0)
        assert await again.projections.checkpoint(place) == Checkpoint(place=place, offset=5, epoch=3, effects=4)
        assert await again.read_models.get(Tally, "a") == Tally(name="a", total=1)
        assert list(await again.parking.parked()) == [parked]

    async def test_generations_survive(self, engine: Engine, reopen: Callable[[], Awaitable[Engine]]) -> None:
        await engine.read_model_schema.ensure([Tally, Remark])
        for version in (1, 2, 3):
            await begin(engine, version)
            await fill(engine, version - 1, tally("a", version))
            if version == 2:
                await swap(engine, "p", 1)
        before = await state_of(engine)
        again = await reopen()
        await again.read_model_schema.ensure([Tally, Remark])
        assert await state_of(again) == before
        await fill(again, 2, tally("a", 4), start=5, next=6)
        assert await swap(again, "p", 2)
        assert await totals(again.read_models) == {"a": 4}
        assert (await begin(again, 3)).number == 3

    async def test_conditions_and_the_journal_survive(
        self, engine: Engine, reopen: Callable[[], Awaitable[Engine]]
    ) -> None:
        pause, trouble = Pause(projection="p", by="ann", since=7), trouble_at(Place("p"), retry_at=9)
        await engine.conditions.pause(pause)
        await engine.conditions.report(trouble.place, trouble)
        await engine.journal.note(entry(1))
        again = await reopen()
        assert list(await again.conditions.pauses()) == [pause]
        assert list(await again.conditions.troubles()) == [trouble]
        assert list(await again.journal.entries()) == [entry(1)]

    async def test_a_back_off_survives(self, engine: Engine, reopen: Callable[[], Awaitable[Engine]]) -> None:
        lease = await engine.leases.acquire("p/0", "me", 10)
        assert lease is not None
        await engine.leases.back_off(lease, 60)
        assert await (await reopen()).leases.acquire("p/0", "me", 10) is None

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
