"""A rush on two courses: whoever comes first, no seat is given twice."""

import asyncio
import tempfile
from pathlib import Path

from examples.courses.events import CapacityChanged, CourseDefined, StudentSubscribed
from examples.courses.handlers import (
    ChangeCapacity,
    CourseFull,
    DefineCourse,
    Subscribe,
    TooManyCourses,
    change_capacity,
    define_course,
    subscribe,
)
from headwater import CQRSManager

EVENTS = [CourseDefined, CapacityChanged, StudentSubscribed]


def application(url: str, conflict_tries: int = 10) -> CQRSManager:
    """Courses and students, on the store that the URL names."""
    handlers = [define_course, change_capacity, subscribe]
    return CQRSManager(url, handlers=handlers, events=EVENTS, conflict_tries=conflict_tries)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with application(f"sqlite:///{Path(folder) / 'courses.db'}") as cqrs:
            execute = cqrs.commands.execute
            for course in ("algebra", "botany", "chemistry", "dance"):
                await execute(DefineCourse(course_id=course, capacity=5))

            async def seat(course: str, student: str) -> str:
                try:
                    await execute(Subscribe(course_id=course, student_id=student))
                except (CourseFull, TooManyCourses) as refused:
                    return type(refused).__name__
                return "has a seat"

            rush = await asyncio.gather(*(seat("algebra", f"s{number}") for number in range(20)))
            print("20 students at once: ", {outcome: rush.count(outcome) for outcome in sorted(set(rush))})
            await execute(ChangeCapacity(course_id="algebra", capacity=7))
            rush = await asyncio.gather(*(seat("algebra", f"t{number}") for number in range(20)))
            print("two seats more:      ", {outcome: rush.count(outcome) for outcome in sorted(set(rush))})
            wishes = await asyncio.gather(*(seat(course, "keen") for course in ("botany", "chemistry", "dance")))
            print("three other courses: ", wishes)
            await execute(DefineCourse(course_id="ethics", capacity=5))
            print("and a fourth:        ", await seat("ethics", "keen"))


if __name__ == "__main__":
    asyncio.run(main())
