"""The law of Leases: one holder at a time, an epoch that rises with every change."""

from __future__ import annotations

import asyncio

from headwater.ports.engine import Engine
from headwater.ports.leases import Lease
from headwater.testing.clock import START, ManualClock

__all__ = ["LeasesConformance", "SteppedClockConformance"]


class LeasesConformance:
    """Enrol with the fixtures `engine` and `clock`."""

    async def test_a_free_lease_is_taken(self, engine: Engine) -> None:
        lease = await engine.leases.acquire("p/0", "me", 10)
        assert lease == Lease(name="p/0", owner="me", epoch=1, expires_at=START + 10_000_000)
        assert list(await engine.leases.holders()) == [lease]

    async def test_a_held_lease_is_refused_to_others(self, engine: Engine) -> None:
        mine = await engine.leases.acquire("p/0", "me", 10)
        assert await engine.leases.acquire("p/0", "you", 10) is None
        assert list(await engine.leases.holders()) == [mine]

    async def test_the_owner_keeps_the_epoch_and_gains_time(self, engine: Engine, clock: ManualClock) -> None:
        await engine.leases.acquire("p/0", "me", 10)
        clock.advance(9)
        assert await engine.leases.acquire("p/0", "me", 10) == Lease(
            name="p/0", owner="me", epoch=1, expires_at=START + 19_000_000
        )
        clock.advance(9)
        assert await engine.leases.acquire("p/0", "you", 10) is None

    async def test_an_expired_lease_is_taken_over_with_a_higher_epoch(self, engine: Engine, clock: ManualClock) -> None:
        await engine.leases.acquire("p/0", "me", 10)
        clock.advance(9.999999)
        assert await engine.leases.acquire("p/0", "you", 10) is None
        clock.advance(0.000001)
        taken = await engine.leases.acquire("p/0", "you", 10)
        assert taken is not None
        assert (taken.owner, taken.epoch) == ("you", 2)
        assert await engine.leases.acquire("p/0", "me", 10) is None

    async def test_the_owner_of_an_expired_lease_gets_a_new_epoch(self, engine: Engine, clock: ManualClock) -> None:
        await engine.leases.acquire("p/0", "me", 10)
        clock.advance(10)
        again = await engine.leases.acquire("p/0", "me", 10)
        assert again is not None
        assert again.epoch == 2

    async def test_a_released_lease_is_free_and_its_epoch_rises(self, engine: Engine) -> None:
        mine = await engine.leases.acquire("p/0", "me", 10)
        assert mine is not None
        await engine.leases.release(mine)
        assert list(await engine.leases.holders()) == []
        yours = await engine.leases.acquire("p/0", "you", 10)
        assert yours is not None
        assert yours.epoch == 2

    async def test_a_release_after_the_take_over_does_nothing(self, engine: Engine, clock: ManualClock) -> None:
        mine = await engine.leases.acquire("p/0", "me", 10)
        assert mine is not None
        clock.advance(10)
        yours = await engine.leases.acquire("p/0", "you", 10)
        await engine.leases.release(mine)
        assert list(await engine.leases.holders()) == [yours]

    async def test_leases_are_apart_by_name_and_listed_by_it(self, engine: Engine, clock: ManualClock) -> None:
        for name, owner, ttl in (("p/1", "me", 10), ("p/0", "you", 20), ("p/2", "me", 5)):
            await engine.leases.acquire(name, owner, ttl)
        assert [lease.name for lease in await engine.leases.holders()] == ["p/0", "p/1", "p/2"]
        clock.advance(10)
        assert [lease.name for lease in await engine.leases.holders()] == ["p/0"]

    async def test_one_of_many_contenders_wins(self, engine: Engine) -> None:
        owners = [f"worker {number}" for number in range(64)]
        taken = await asyncio.gather(*(engine.leases.acquire("p/0", owner, 10) for owner in owners))
        assert len([lease for lease in taken if lease is not None]) == 1

    async def test_an_attempt_in_vain_wakes_nobody(self, engine: Engine) -> None:
        """Else whoever tries again after each commit would try for ever."""
        mine = await engine.leases.acquire("p/0", "me", 10)
        assert mine is not None
        held = engine.wakeups.seen()
        assert await engine.leases.acquire("p/0", "you", 10) is None
        assert engine.wakeups.seen() == held
        await engine.leases.back_off(mine, 60)
        backed_off = engine.wakeups.seen()
        assert await engine.leases.acquire("p/0", "me", 10) is None
        assert engine.wakeups.seen() == backed_off

    # -- backing off -------------------------------------------------------

    async def test_nobody_acquires_what_is_backed_off_until_the_time_is_over(
        self, engine: Engine, clock: ManualClock
    ) -> None:
        mine = await engine.leases.acquire("p/0", "me", 10)
        assert mine is not None
        await engine.leases.back_off(mine, 5)
        assert list(await engine.leases.holders()) == []
        clock.advance(4.999999)
        for owner in ("me", "you"):
            assert await engine.leases.acquire("p/0", owner, 10) is None
        clock.advance(0.000001)
        again = await engine.leases.acquire("p/0", "me", 10)
        assert again == Lease(name="p/0", owner="me", epoch=2, expires_at=START + 15_000_000)

    async def test_what_was_backed_off_is_a_lease_like_any_other_afterwards(
        self, engine: Engine, clock: ManualClock
    ) -> None:
        mine = await engine.leases.acquire("p/0", "me", 10)
        assert mine is not None
        await engine.leases.back_off(mine, 5)
        clock.advance(5)
        again = await engine.leases.acquire("p/0", "me", 10)
        assert again is not None
        assert await engine.leases.acquire("p/0", "you", 10) is None
        await engine.leases.release(again)
        assert await engine.leases.acquire("p/0", "you", 10) is not None

    async def test_a_back_off_after_the_take_over_does_nothing(self, engine: Engine, clock: ManualClock) -> None:
        mine = await engine.leases.acquire("p/0", "me", 10)
        assert mine is not None
        clock.advance(10)
        yours = await engine.leases.acquire("p/0", "you", 10)
        await engine.leases.back_off(mine, 60)
        assert list(await engine.leases.holders()) == [yours]
        clock.advance(10)
        assert await engine.leases.acquire("p/0", "me", 10) is not None

    async def test_only_the_one_lease_is_backed_off(self, engine: Engine) -> None:
        mine = await engine.leases.acquire("p/0", "me", 10)
        assert mine is not None
        await engine.leases.back_off(mine, 60)
        assert await engine.leases.acquire("p/1", "me", 10) is not None


class SteppedClockConformance:
    """Where the time is the application's clock, and not a server's. Enrol with the fixtures `engine` and `clock`."""

    async def test_a_lease_that_would_last_longer_than_one_lasts_is_taken_over(
        self, engine: Engine, clock: ManualClock
    ) -> None:
        await engine.leases.acquire("p/0", "me", 10)
        clock.advance(-3_600)
        taken = await engine.leases.acquire("p/0", "you", 10)
        assert taken is not None
        assert (taken.owner, taken.epoch) == ("you", 2)
        assert await engine.leases.acquire("p/0", "me", 10) is None
        assert list(await engine.leases.holders()) == [taken]
        clock.advance(10)
        assert await engine.leases.acquire("p/0", "me", 10) is not None

    async def test_it_is_nobodys_meanwhile(self, engine: Engine, clock: ManualClock) -> None:
        await engine.leases.acquire("p/0", "me", 3_600)
        clock.advance(-60)
        assert list(await engine.leases.holders()) == []
        assert await engine.leases.acquire("p/0", "you", 10) is not None

    async def test_a_longer_lease_is_held_against_whoever_asks_for_less(self, engine: Engine) -> None:
        await engine.leases.acquire("p/0", "me", 3_600)
        assert await engine.leases.acquire("p/0", "you", 10) is None

    async def test_a_back_off_is_over(self, engine: Engine, clock: ManualClock) -> None:
        mine = await engine.leases.acquire("p/0", "me", 10)
        assert mine is not None
        await engine.leases.back_off(mine, 60)
        clock.advance(-3_600)
        assert await engine.leases.acquire("p/0", "you", 10) is not None
        clock.advance(10)
        assert await engine.leases.acquire("p/0", "me", 10) is not None

    async def test_its_owner_keeps_it_with_its_epoch_if_nobody_was_faster(
        self, engine: Engine, clock: ManualClock
    ) -> None:
        await engine.leases.acquire("p/0", "me", 10)
        clock.advance(-3_600)
        kept = await engine.leases.acquire("p/0", "me", 10)
        assert kept is not None
        assert kept.epoch == 1
        assert await engine.leases.acquire("p/0", "you", 10) is None
