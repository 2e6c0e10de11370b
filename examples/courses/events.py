"""What happens to courses and students, and by what it is found."""

from typing import Annotated

from headwater import Event, Tag

COURSE = Tag("course")
STUDENT = Tag("student")


class CourseDefined(Event):
    course_id: Annotated[str, COURSE]
    capacity: int


class CapacityChanged(Event):
    course_id: Annotated[str, COURSE]
    capacity: int


class StudentSubscribed(Event):
    course_id: Annotated[str, COURSE]
    student_id: Annotated[str, STUDENT]
