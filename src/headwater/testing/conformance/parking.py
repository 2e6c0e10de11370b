"""The law of Parking: one place for each event, in offset order."""

from __future__ import annotations

from headwater.ports.engine import Engine
from headwater.ports.parking import ParkedEvent

__all__ = ["ParkingConformance"]


def parked(offset: int, projection: str = "p", partition: int = 0, key: str = "user-ann") -> ParkedEvent:
    return ParkedEvent(
        projection=projection,
        partition=partition,
        offset=offset,
        key=key,
        type="Noted",
        error="ValueError: first",
        trace="Traceback: first",
        parked_at=7,
    )


async def offsets(engine: Engine, projection: str | None = None, key: str | None = None) -> list[int]:
    return [event.offset for event in await engine.parking.parked(projection, key)]


class ParkingConformance:
    """Enrol with the fixture `engine`."""

    async def test_nothing_is_parked_at_first(self, engine: Engine) -> None:
        assert list(await engine.parking.parked()) == []
        assert list(await engine.parking.parked("p", "user-ann")) == []

    async def test_a_parked_event_comes_back_as_it_is(self, engine: Engine) -> None:
        waiting = ParkedEvent(projection="p", partition=0, offset=9, key="user-ann", type="Noted")
        await engine.parking.park(parked(3))
        await engine.parking.park(waiting)
        assert list(await engine.parking.parked()) == [parked(3), waiting]

    async def test_they_are_ordered_by_projection_partition_and_offset(self, engine: Engine) -> None:
        places = [("q", 0, 1), ("p", 10, 3), ("p", 2, 11), ("p", 2, 4)]
        for projection, partition, offset in places:
            await engine.parking.park(parked(offset, projection, partition))
        listed = [(event.projection, event.partition, event.offset) for event in await engine.parking.parked()]
        assert listed == sorted(places)

    async def test_one_projection_or_one_key_can_be_asked_for(self, engine: Engine) -> None:
        await engine.parking.park(parked(1))
        await engine.parking.park(parked(2, key="user-bob"))
        await engine.parking.park(parked(3, "q"))
        assert await offsets(engine, "p") == [1, 2]
        assert await offsets(engine, key="user-ann") == [1, 3]
        assert await offsets(engine, "p", "user-bob") == [2]
        assert await offsets(engine, "p", "user-eve") == []

    async def test_parked_twice_it_is_kept_once_with_the_later_cause(self, engine: Engine) -> None:
        await engine.parking.park(parked(3))
        later = ParkedEvent(
            projection="p", partition=0, offset=3, key="user-ann", type="Noted", error="KeyError: later", attempts=2
        )
        await engine.parking.park(later)
        [kept] = await engine.parking.parked()
        assert (kept.error, kept.attempts) == ("KeyError: later", 3)

    async def test_an_edit_replaces_the_data_of_the_retry(self, engine: Engine) -> None:
        await engine.parking.park(parked(3))
        assert await engine.parking.edit("p", 0, 3, b'{"fixed":true}')
        [kept] = await engine.parking.parked()
        assert (kept.data, kept.error) == (b'{"fixed":true}', "ValueError: first")

    async def test_a_discarded_one_is_gone(self, engine: Engine) -> None:
        await engine.parking.park(parked(3))
        await engine.parking.park(parked(4))
        assert await engine.parking.discard("p", 0, 3)
        assert not await engine.parking.discard("p", 0, 3)
        assert await offsets(engine) == [4]

    async def test_nothing_happens_where_nothing_is_parked(self, engine: Engine) -> None:
        await engine.parking.park(parked(3))
        for projection, partition, offset in (("p", 0, 4), ("p", 1, 3), ("q", 0, 3)):
            assert not await engine.parking.edit(projection, partition, offset, b"{}")
            assert not await engine.parking.discard(projection, partition, offset)
        assert list(await engine.parking.parked()) == [parked(3)]
