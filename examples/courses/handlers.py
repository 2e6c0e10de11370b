"""A course has so many seats, a student takes so many courses: each subscription is decided on both."""

from typing import NamedTuple

from examples.courses.events import COURSE, STUDENT, CapacityChanged, CourseDefined, StudentSubscribed
from headwater import Boundaries, Boundary, Command, DomainError, StreamId, handles

COURSES_PER_STUDENT = 3


class DefineCourse(Command[None]):
    course_id: str
    capacity: int


class ChangeCapacity(Command[None]):
    course_id: str
    capacity: int


class Subscribe(Command[int]):
    """Answers how many seats are left."""

    course_id: str
    student_id: str


class NoSuchCourse(DomainError):
    """Nobody has defined it."""


class CourseExists(DomainError):
    """Somebody has."""


class CourseFull(DomainError):
    """Every seat is taken."""


class TooManyCourses(DomainError):
    """The student takes as many as one may."""


class AlreadySubscribed(DomainError):
    """The student has a seat."""


class Standing(NamedTuple):
    """What is known of one course and one student."""

    course_id: str
    student_id: str = ""
    capacity: int | None = None
    students: frozenset[str] = frozenset()
    """Who has a seat in the course."""
    courses: frozenset[str] = frozenset()
    """Where the student has one."""

    def after(self, event: CourseDefined | CapacityChanged | StudentSubscribed) -> "Standing":
        match event:
            case CourseDefined() | CapacityChanged():
                return self._replace(capacity=event.capacity)
            case StudentSubscribed():
                here, own = event.course_id == self.course_id, event.student_id == self.student_id
                return self._replace(
                    students=self.students | {event.student_id} if here else self.students,
                    courses=self.courses | {event.course_id} if own else self.courses,
                )


@handles(DefineCourse)
async def define_course(c: DefineCourse, boundaries: Boundaries) -> None:
    course = Boundary(tags=[COURSE.of(c.course_id)], types=[CourseDefined])
    known = await boundaries.fold(course, Standing.after, Standing(c.course_id))
    if known.capacity is not None:
        raise CourseExists(f"{c.course_id} has {known.capacity} seats: change its capacity")
    await boundaries.append(StreamId("course", c.course_id), CourseDefined(course_id=c.course_id, capacity=c.capacity))


@handles(ChangeCapacity)
async def change_capacity(c: ChangeCapacity, boundaries: Boundaries) -> None:
    course = Boundary(tags=[COURSE.of(c.course_id)])
    known = await boundaries.fold(course, Standing.after, Standing(c.course_id))
    if known.capacity is None:
        raise NoSuchCourse(c.course_id)
    if c.capacity < len(known.students):
        raise CourseFull(f"{len(known.students)} students have a seat in {c.course_id}")
    changed = CapacityChanged(course_id=c.course_id, capacity=c.capacity)
    await boundaries.append(StreamId("course", c.course_id), changed)


@handles(Subscribe)
async def subscribe(c: Subscribe, boundaries: Boundaries) -> int:
    course = Boundary(tags=[COURSE.of(c.course_id)])
    student = Boundary(tags=[STUDENT.of(c.student_id)], types=[StudentSubscribed])
    known = await boundaries.fold(course | student, Standing.after, Standing(c.course_id, c.student_id))
    if known.capacity is None:
        raise NoSuchCourse(c.course_id)
    if c.student_id in known.students:
        raise AlreadySubscribed(f"{c.student_id} has a seat in {c.course_id}")
    if len(known.students) >= known.capacity:
        raise CourseFull(f"all {known.capacity} seats of {c.course_id} are taken")
    if len(known.courses) >= COURSES_PER_STUDENT:
        raise TooManyCourses(f"{c.student_id} takes {len(known.courses)} courses")
    taken = StudentSubscribed(course_id=c.course_id, student_id=c.student_id)
    await boundaries.append(StreamId("course", c.course_id), taken)
    return known.capacity - len(known.students) - 1
