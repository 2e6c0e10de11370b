"""A process that subscribes students to courses until none may have more, and prints how many seats it got.

Usage: python -m tests.commands.rush URL NAME COURSES
"""

from __future__ import annotations

import asyncio
import sys

from examples.courses.__main__ import application
from examples.courses.handlers import CourseFull, Subscribe, TooManyCourses
from headwater.errors import BoundaryChanged
from headwater.manager import CQRSManager

__all__ = ["STUDENTS", "courses", "rush"]

STUDENTS = 12
"""Of each process."""


def courses(count: int) -> list[str]:
    return [f"c{number}" for number in range(count)]


async def seat(cqrs: CQRSManager, course: str, student: str) -> bool:
    """Whether the student has got a seat; whoever loses too often tries once more."""
    while True:
        try:
            await cqrs.commands.execute(Subscribe(course_id=course, student_id=student))
        except BoundaryChanged:
            continue
        except (CourseFull, TooManyCourses):
            return False
        return True


async def rush(url: str, name: str, count: int) -> int:
    """Every student wants a seat in every course, all at once; how many were got."""
    async with application(url) as cqrs:
        students = [f"{name}{number}" for number in range(STUDENTS)]
        got = await asyncio.gather(*(seat(cqrs, course, student) for student in students for course in courses(count)))
    return sum(got)


if __name__ == "__main__":
    print(asyncio.run(rush(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
