"""The law of BoundaryAppends while many decide at once: on what they have read, nobody else has written."""

from __future__ import annotations

import asyncio
from collections import Counter

from headwater.domain.append import Append, Appended
from headwater.domain.boundary import AppendCondition, Boundary, Mark
from headwater.domain.stream import StreamId
from headwater.errors import BoundaryChanged, HeadwaterError
from headwater.ports.engine import Engine
from headwater.testing.conformance.boundaries import boundaries, everything_within, streams
from headwater.testing.controls import ANN, BOB, append_of, new_event, write_of

__all__ = ["BoundaryContentionConformance", "assert_bounds", "subscribe"]

SEATS = 3
"""Of each course."""
COURSES = 2
"""Of each student, at most."""


async def subscribe(engine: Engine, course: str, student: str) -> bool:
    """Take a seat if there is one and the student may; decided again for as long as others are faster."""
    tags = f"course:{course}", f"student:{student}"
    seats, lessons = (Boundary(tags=[tag]) for tag in tags)
    read, mark = await everything_within(engine, seats | lessons, page=100)
    while True:
        taken = Counter(tag for event in read for tag in event.data.decode().split('"') if ":" in tag and tag[0] != ":")
        if taken[tags[0]] >= SEATS or taken[tags[1]] >= COURSES:
            return False
        event = new_event("Subscribed", f'["{tags[0]}","{tags[1]}"]'.encode(), tags=tags)
        stream = StreamId("course", course) if len(read) % 2 else StreamId("student", student)
        append = Append(writes=(write_of(stream, [event]),), conditions=(AppendCondition(seats | lessons, mark),))
        await asyncio.sleep(0)  # the others have read, too
        try:
            await boundaries(engine).append_within(append)
        except BoundaryChanged:
            new, mark = await everything_within(engine, seats | lessons, mark)
            assert new, "nothing has changed, and the append was refused"
            read += new
        else:
            return True


async def assert_bounds(engine: Engine, courses: list[str], students: list[str]) -> int:
    """No course has too many students, no student too many courses, by tags and by data; how many seats are taken."""
    seats = 0
    for course in courses:
        held, _ = await everything_within(engine, Boundary(tags=[f"course:{course}"]))
        assert len(held) <= SEATS
        assert all(f'"course:{course}"'.encode() in event.data for event in held)
        seats += len(held)
    for student in students:
        attended, _ = await everything_within(engine, Boundary(tags=[f"student:{student}"]))
        assert len(attended) <= COURSES
    return seats


class BoundaryContentionConformance:
    """Enrol with the fixture `engine`, whose `events` are BoundaryAppends."""

    async def test_bounds_are_never_exceeded(self, engine: Engine) -> None:
        courses, students = [f"c{n}" for n in range(4)], [f"s{n}" for n in range(8)]
        wishes = [subscribe(engine, course, student) for student in students for course in courses]
        done = await asyncio.gather(*wishes)
        seats = await assert_bounds(engine, courses, students)
        assert seats == sum(done)
        assert seats == SEATS * len(courses), "a seat is left, and a student without"

    async def test_one_of_many_that_have_read_the_same_wins(self, engine: Engine) -> None:
        for _ in range(5):
            _, mark = await everything_within(engine, Boundary(tags=["course:c1"]))
            done = await asyncio.gather(*(self._try(engine, stream, mark) for stream in streams(32)))
            assert sum(isinstance(outcome, Appended) for outcome in done) == 1
            assert sum(isinstance(outcome, BoundaryChanged) for outcome in done) == 31
        assert len((await everything_within(engine, Boundary(tags=["course:c1"])))[0]) == 5

    async def _try(self, engine: Engine, stream: StreamId, mark: Mark) -> Appended | HeadwaterError:
        conditions = (AppendCondition(Boundary(tags=["course:c1"]), mark),)
        append = Append(writes=(write_of(stream, [new_event(tags=("course:c1",))]),), conditions=conditions)
        try:
            return await boundaries(engine).append_within(append)
        except HeadwaterError as error:
            return error

    async def test_of_two_that_write_what_the_other_has_read_one_wins(self, engine: Engine) -> None:
        """Each writes elsewhere than it reads: no event is within both boundaries."""
        red, blue = Boundary(tags=["colour:red"]), Boundary(tags=["colour:blue"])
        for _ in range(10):
            mark = (await everything_within(engine, red | blue))[1]
            pairs = [(red, ANN, "colour:blue"), (blue, BOB, "colour:red")]
            appends = [
                Append(writes=(write_of(stream, [new_event(tags=(tag,))]),), conditions=(AppendCondition(read, mark),))
                for read, stream, tag in pairs
            ]
            done = await asyncio.gather(*map(boundaries(engine).append_within, appends), return_exceptions=True)
            assert sorted(type(outcome).__name__ for outcome in done) == ["Appended", "BoundaryChanged"]

    async def test_those_that_do_not_meet_all_commit(self, engine: Engine) -> None:
        async def decide(stream: StreamId) -> None:
            boundary = Boundary(tags=[f"course:{stream.id}"])
            mark = Mark()
            for number in range(5):
                read, mark = await everything_within(engine, boundary, mark)
                assert len(read) == min(number, 1)
                event = new_event(tags=(f"course:{stream.id}",))
                conditions = (AppendCondition(boundary, mark),)
                await boundaries(engine).append_within(Append(writes=(write_of(ANN, [event]),), conditions=conditions))

        await asyncio.gather(*map(decide, streams()))
        assert await engine.events.head(ANN) == 60

    async def test_ordinary_appends_count(self, engine: Engine) -> None:
        """Whoever appends without a condition is seen all the same."""
        boundary = Boundary(tags=["course:c1"])

        async def disturb() -> None:
            for stream in streams():
                await engine.events.append(append_of(stream, [new_event(tags=("course:c1",))]))

        disturbing = asyncio.create_task(disturb())
        read, mark = await everything_within(engine, boundary)
        is_last = False
        while not is_last:
            is_last = disturbing.done()
            event = new_event("Counted", str(len(read)).encode(), tags=("counts:c1",))
            append = Append(writes=(write_of(ANN, [event]),), conditions=(AppendCondition(boundary, mark),))
            await asyncio.sleep(0)
            try:
                await boundaries(engine).append_within(append)
            except BoundaryChanged:
                new, mark = await everything_within(engine, boundary, mark)
                assert new, "nothing has changed, and the append was refused"
                read += new
                is_last = False
        counted, _ = await everything_within(engine, Boundary(tags=["counts:c1"]))
        assert len(read) == len(streams()) == int(counted[-1].data)
        assert [int(event.data) for event in counted] == sorted(int(event.data) for event in counted)
