"""The example while many want a seat: on every engine, in several processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from examples.courses.__main__ import application
from examples.courses.events import COURSE, StudentSubscribed
from examples.courses.handlers import COURSES_PER_STUDENT, DefineCourse, Subscribe
from headwater.commands.boundaries import Boundaries
from headwater.commands.committing import Committer
from headwater.domain.boundary import Boundary
from headwater.errors import BoundaryChanged
from headwater.manager import CQRSManager
from tests.commands.rush import courses, rush
from tests.stores import on_shared_stores

pytestmark = pytest.mark.transactional

ROOT = Path(__file__).resolve().parents[2]
SEATS = 7
COURSES = 4


Seats = tuple[tuple[str, str], ...]
"""Course and student of each."""
NOBODY: Seats = ()


def and_one(seats: Seats, event: StudentSubscribed) -> Seats:
    return (*seats, (event.course_id, event.student_id))


async def taken(cqrs: CQRSManager, count: int) -> list[tuple[str, str]]:
    """Course and student of every seat."""
    boundaries = Boundaries(cqrs.engine.events, cqrs.registry, Committer(cqrs.engine.events, cqrs.registry))
    found: list[tuple[str, str]] = []
    for course in courses(count):
        boundary = Boundary(tags=[COURSE.of(course)], types=[StudentSubscribed])
        seats = await boundaries.fold(boundary, and_one, NOBODY)
        found += seats
    return found


async def define(url: str) -> None:
    async with application(url) as cqrs:
        for course in courses(COURSES):
            await cqrs.commands.execute(DefineCourse(course_id=course, capacity=SEATS))


async def assert_bounds(url: str, got: int) -> None:
    async with application(url) as cqrs:
        seats = await taken(cqrs, COURSES)
    assert len(seats) == len(set(seats)) == got
    assert set(Counter(course for course, _ in seats).values()) == {SEATS}, "too many students, or a seat is left"
    assert max(Counter(student for _, student in seats).values()) <= COURSES_PER_STUDENT


@on_shared_stores
async def test_two_applications_on_one_store(url: str) -> None:
    await define(url)
    got = await asyncio.gather(rush(url, "a", COURSES), rush(url, "b", COURSES))
    assert all(got)
    await assert_bounds(url, sum(got))


@on_shared_stores
async def test_two_processes_on_one_store(url: str) -> None:
    await define(url)

    async def process(name: str) -> int:
        command = [sys.executable, "-m", "tests.commands.rush", url, name, str(COURSES)]
        started = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=ROOT)
        printed, _ = await started.communicate()
        assert started.returncode == 0
        return int(printed)

    await assert_bounds(url, sum(await asyncio.gather(process("a"), process("b"))))


async def test_sixty_at_once_in_one_application(url: str) -> None:
    """Whoever contends for one course waits for its turn, so three tries are enough."""
    async with application(url, conflict_tries=3) as cqrs:
        await cqrs.commands.execute(DefineCourse(course_id="c0", capacity=60))
        wishes = [cqrs.commands.execute(Subscribe(course_id="c0", student_id=f"s{n}")) for n in range(60)]
        left = [receipt.result for receipt in await asyncio.gather(*wishes)]
        assert sorted(left) == list(range(60))


async def test_never_again_if_told_so() -> None:
    async with application("memory://", conflict_tries=1) as cqrs:
        await cqrs.commands.execute(DefineCourse(course_id="c0", capacity=60))
        wishes = [cqrs.commands.execute(Subscribe(course_id="c0", student_id=f"s{n}")) for n in range(5)]
        outcomes = await asyncio.gather(*wishes, return_exceptions=True)
        assert len(await taken(cqrs, 1)) == sum(not isinstance(outcome, BoundaryChanged) for outcome in outcomes) >= 1


def test_the_example_runs() -> None:
    command = [sys.executable, "-W", "error", "-m", "examples.courses"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)
    assert printed.stderr == ""
    assert printed.stdout.splitlines() == [
        "20 students at once:  {'CourseFull': 15, 'has a seat': 5}",
        "two seats more:       {'CourseFull': 18, 'has a seat': 2}",
        "three other courses:  ['has a seat', 'has a seat', 'has a seat']",
        "and a fourth:         TooManyCourses",
    ]
