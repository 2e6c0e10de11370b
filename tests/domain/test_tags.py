"""Tags: declared on fields, whatever the class is made with; what cannot be one is refused where it is declared."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, Literal, NewType
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest

from headwater.domain.messages import Event, EventLike, MessageMeta
from headwater.domain.registry import Registry
from headwater.domain.tags import Tag, check_tag
from headwater.errors import BadDeclaration, InvalidId, InvalidIdentifier, LimitExceeded

COURSE = Tag("course")
CourseId = NewType("CourseId", str)


class Colour(enum.StrEnum):
    RED = "red"


class OfStruct(Event):
    course: Annotated[CourseId, COURSE]
    students: Annotated[list[UUID] | None, Tag("student")] = None
    year: Annotated[Annotated[int, msgspec.Meta(ge=2000)] | None, Tag("year")] = None
    colour: Annotated[Colour, Tag("colour")] = Colour.RED
    kind: Annotated[Literal["a", "b"], Tag("kind")] = "a"
    note: str = "course:x"


@dataclass
class OfDataclass(EventLike):
    course: Annotated[str, COURSE]
    note: str = ""


@attrs.define
class OfAttrs(EventLike):
    course: Annotated[str, COURSE]


class OfPydantic(pydantic.BaseModel):
    course: Annotated[str, COURSE]
    students: Annotated[tuple[str, ...], pydantic.Field(max_length=3), Tag("student")] = ()


class Plain(Event):
    course: str


def event_with(hint: object) -> type:
    return MessageMeta("Made", (Event,), {"__annotations__": {"field": hint}, "__module__": __name__})


REGISTRY = Registry()
REGISTRY.register(OfStruct, OfDataclass, OfAttrs, OfPydantic, Plain)


@pytest.mark.parametrize(
    ("event", "tags"),
    [
        (OfStruct(course=CourseId("c1")), ("colour:red", "course:c1", "kind:a")),
        (
            OfStruct(course=CourseId("c1"), students=[UUID(int=1), UUID(int=1)], year=2026),
            ("colour:red", "course:c1", "kind:a", "student:00000000-0000-0000-0000-000000000001", "year:2026"),
        ),
        (OfDataclass("c1"), ("course:c1",)),
        (OfAttrs("c1"), ("course:c1",)),
        (OfPydantic(course="c1", students=("s2", "s1")), ("course:c1", "student:s1", "student:s2")),
        (Plain(course="c1"), ()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_has_the_tags_of_its_fields(event: object, tags: tuple[str, ...]) -> None:
    assert REGISTRY.tags_of(event) == tags


@pytest.mark.parametrize("course", ["", "a\nb", "a\u0000b"])
def test_a_value_that_cannot_be_a_tag_is_refused_with_the_event(course: str) -> None:
    with pytest.raises(InvalidId):
        REGISTRY.tags_of(OfDataclass(course))


def test_a_long_one_too() -> None:
    with pytest.raises(LimitExceeded):
        REGISTRY.tags_of(OfDataclass("x" * 600))


@pytest.mark.parametrize("hint", [float, bool, bytes, dict[str, str], list[float], str | float, list[list[str]]])
def test_a_field_that_cannot_be_a_tag_is_refused_when_the_class_is_made(hint: object) -> None:
    with pytest.raises(BadDeclaration, match="a tag is text, a whole number or a UUID"):
        event_with(Annotated[hint, COURSE])


@pytest.mark.parametrize("hint", [list[Annotated[str, COURSE]], Annotated[str, COURSE] | None])
def test_a_tag_inside_a_type_is_refused(hint: object) -> None:
    with pytest.raises(BadDeclaration, match="put it around"):
        event_with(hint)


def test_other_classes_are_refused_when_they_are_registered() -> None:
    @dataclass
    class Made(EventLike):
        weight: Annotated[float, Tag("weight")]

    Made.__annotations__["weight"] = Annotated[float, Tag("weight")]
    with pytest.raises(BadDeclaration, match=r"Made.weight is float"):
        Registry().register(Made)


def test_a_tag_is_made_of_a_value_or_refused() -> None:
    assert COURSE.of("c1") == "course:c1"
    assert COURSE.of(7) == "course:7"
    for wrong in (True, 1.5, None, b"x"):
        with pytest.raises(InvalidId, match="the tag course takes"):
            COURSE.of(wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidIdentifier):
        Tag("Course")


@pytest.mark.parametrize("text", ["c1", "course:", ":c1", "course:\u200b"])
def test_what_is_no_tag(text: str) -> None:
    with pytest.raises((InvalidId, InvalidIdentifier)):
        check_tag(text)
    assert check_tag("course:c:1") == "course:c:1"
