"""The law of Parking: one place for each event, in offset order."""

from __future__ import annotations

import msgspec

from headwater.ports.engine import Engine
from headwater.ports.parking import ParkedEvent, ParkedPlace, ParkedQueue
from headwater.testing.conformance.commits import parked_at

__all__ = ["ParkingConformance"]

replace = msgspec.structs.replace


async def offsets(engine: Engine, projection: str | None = None, key: str | None = None) -> list[int]:
    return [event.offset for event in await engine.parking.parked(projection, key)]


async def park(engine: Engine, *events: ParkedEvent) -> None:
    for event in events:
        await engine.parking.park(event)


class ParkingConformance:
    """Enrol with the fixture `engine`."""

    # -- what is parked ----------------------------------------------------

    async def test_nothing_is_parked_at_first(self, engine: Engine) -> None:
        assert list(await engine.parking.parked()) == []
        assert list(await engine.parking.parked("p", "user-ann")) == []
        assert list(await engine.parking.queues("p", 0)) == []

    async def test_a_parked_event_comes_back_as_it_is(self, engine: Engine) -> None:
        failed = replace(parked_at(3, generation=2, partition=1), trace="Traceback: no", parked_at=7, retry_at=9)
        edited = replace(parked_at(3), data=b'{"fixed":true}', attempts=4)
        waiting = parked_at(9, error=None)
        await park(engine, waiting, failed, edited)
        assert list(await engine.parking.parked()) == [edited, waiting, failed]

    async def test_they_come_by_place(self, engine: Engine) -> None:
        places = [
            ParkedPlace("q", 0, 0, 1),
            ParkedPlace("p", 0, 10, 3),
            ParkedPlace("p", 0, 2, 11),
            ParkedPlace("p", 1, 0, 0),
            ParkedPlace("p", 0, 2, 4),
        ]
        for place in places:
            await park(
                engine,
                parked_at(place.offset, place.projection, generation=place.generation, partition=place.partition),
            )
        assert [event.place for event in await engine.parking.parked()] == sorted(places)

    async def test_one_projection_key_generation_or_partition_can_be_asked_for(self, engine: Engine) -> None:
        await park(engine, parked_at(1), parked_at(2, key="user-bob"), parked_at(3, "q"))
        await park(engine, parked_at(4, generation=1), parked_at(5, partition=1))
        assert await offsets(engine, "p") == [1, 2, 5, 4]
        assert await offsets(engine, key="user-ann") == [1, 5, 4, 3]
        assert await offsets(engine, "p", "user-bob") == [2]
        assert await offsets(engine, "p", "user-eve") == []
        assert [event.offset for event in await engine.parking.parked("p", generation=0)] == [1, 2, 5]
        assert [event.offset for event in await engine.parking.parked("p", generation=1)] == [4]
        assert [event.offset for event in await engine.parking.parked(partition=1)] == [5]
        assert [event.offset for event in await engine.parking.parked("p", generation=0, partition=0)] == [1, 2]

    async def test_they_come_in_pages(self, engine: Engine) -> None:
        for offset in range(3):
            await park(engine, parked_at(offset), parked_at(offset, generation=1), parked_at(offset, "q", partition=1))
        everything = list(await engine.parking.parked())
        paged: list[ParkedEvent] = []
        while page := await engine.parking.parked(after=paged[-1].place if paged else None, limit=2):
            assert len(page) <= 2
            assert not paged or page[0].place > paged[-1].place
            paged += page
        assert paged == everything
        assert len(everything) == 9

    async def test_a_page_goes_on_behind_what_is_gone(self, engine: Engine) -> None:
        await park(engine, parked_at(1), parked_at(3))
        after = ParkedPlace("p", 0, 0, 2)
        assert [event.offset for event in await engine.parking.parked("p", after=after)] == [3]
        assert list(await engine.parking.parked(limit=0)) == []

    # -- queues ------------------------------------------------------------

    async def test_a_queue_is_one_key_of_a_partition(self, engine: Engine) -> None:
        await park(engine, parked_at(7, error=None), replace(parked_at(4), retry_at=99), parked_at(9, error=None))
        assert list(await engine.parking.queues("p", 0)) == [
            ParkedQueue(
                projection="p",
                generation=0,
                partition=0,
                key="user-ann",
                first=4,
                events=3,
                error="ValueError: no",
                retry_at=99,
            )
        ]

    async def test_queues_come_by_partition_and_first_offset(self, engine: Engine) -> None:
        await park(engine, parked_at(1, partition=10, key="b"), parked_at(9, partition=2, key="a"))
        await park(engine, parked_at(3, partition=2, key="c"), parked_at(4, partition=2, key="b"))
        await park(engine, parked_at(12, partition=2, key="c"))
        listed = [(queue.partition, queue.first, queue.key) for queue in await engine.parking.queues("p", 0)]
        assert listed == [(2, 3, "c"), (2, 4, "b"), (2, 9, "a"), (10, 1, "b")]
        assert [queue.key for queue in await engine.parking.queues("p", 0, 2)] == ["c", "b", "a"]
        assert [queue.key for queue in await engine.parking.queues("p", 0, 2, limit=2)] == ["c", "b"]
        assert [queue.key for queue in await engine.parking.queues("p", 0, limit=4)] == ["c", "b", "a", "b"]
        assert list(await engine.parking.queues("p", 0, 5)) == []

    async def test_queues_are_of_one_projection_and_generation(self, engine: Engine) -> None:
        await park(engine, parked_at(1), parked_at(2, generation=1, key="b"), parked_at(3, "q", key="c"))
        assert [queue.key for queue in await engine.parking.queues("p", 0)] == ["user-ann"]
        assert [queue.key for queue in await engine.parking.queues("p", 1)] == ["b"]
        assert [queue.key for queue in await engine.parking.queues("q", 0)] == ["c"]

    async def test_a_queue_whose_first_is_discarded_is_free_to_go(self, engine: Engine) -> None:
        await park(engine, replace(parked_at(4), retry_at=99), parked_at(7, error=None))
        await engine.parking.discard(parked_at(4).place)
        [queue] = await engine.parking.queues("p", 0)
        assert (queue.first, queue.events, queue.error, queue.retry_at) == (7, 1, None, None)

    # -- changing them -----------------------------------------------------

    async def test_parked_twice_it_is_kept_once_with_the_later_cause(self, engine: Engine) -> None:
        await park(engine, replace(parked_at(3), retry_at=5, parked_at=1))
        await park(engine, replace(parked_at(3, error="KeyError: later"), attempts=2, retry_at=9, parked_at=2))
        [kept] = await engine.parking.parked()
        assert (kept.error, kept.attempts, kept.retry_at) == ("KeyError: later", 3, 9)
        await park(engine, parked_at(3))
        [kept] = await engine.parking.parked()
        assert (kept.attempts, kept.retry_at) == (4, None)

    async def test_an_edit_replaces_the_data_of_the_retry(self, engine: Engine) -> None:
        await park(engine, parked_at(3))
        assert await engine.parking.edit(parked_at(3).place, b'{"fixed":true}')
        [kept] = await engine.parking.parked()
        assert (kept.data, kept.error) == (b'{"fixed":true}', "ValueError: no")

    async def test_edited_data_stays_until_there_is_newer(self, engine: Engine) -> None:
        await park(engine, parked_at(3))
        await engine.parking.edit(parked_at(3).place, b'{"edit":1}')
        await park(engine, parked_at(3))
        assert [event.data for event in await engine.parking.parked()] == [b'{"edit":1}']
        await park(engine, replace(parked_at(3), data=b'{"edit":2}'))
        assert [event.data for event in await engine.parking.parked()] == [b'{"edit":2}']

    async def test_a_discarded_one_is_gone(self, engine: Engine) -> None:
        await park(engine, parked_at(3), parked_at(4))
        assert await engine.parking.discard(parked_at(3).place)
        assert not await engine.parking.discard(parked_at(3).place)
        assert await offsets(engine) == [4]

    async def test_nothing_happens_where_nothing_is_parked(self, engine: Engine) -> None:
        await park(engine, parked_at(3))
        for elsewhere in (
            ParkedPlace("p", 0, 0, 4),
            ParkedPlace("p", 0, 1, 3),
            ParkedPlace("p", 1, 0, 3),
            ParkedPlace("q", 0, 0, 3),
        ):
            assert not await engine.parking.edit(elsewhere, b"{}")
            assert not await engine.parking.discard(elsewhere)
        assert list(await engine.parking.parked()) == [parked_at(3)]
