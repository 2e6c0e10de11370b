"""A handler returns what its message declares: told from the annotations, where these say enough."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import new_class
from typing import Any, Literal, NewType, TypedDict, TypeVar

import pytest

from headwater.domain.messages import Command, Query
from headwater.errors import BadSignature
from headwater.handling.returns import check_returns, declared_result

T = TypeVar("T")
Number = NewType("Number", int)
Answer = Callable[[object], Awaitable[object]]


class Plain(Command):  # type: ignore[type-arg]  # says nothing of its result
    pass


class Fields(TypedDict):
    name: str


def returning(annotation: object) -> Answer:
    async def answer(message: object) -> object:
        return message

    answer.__annotations__["return"] = annotation
    return answer


def command(result: object) -> type:
    return new_class("Made", (Command[result],))  # type: ignore[valid-type]


@pytest.mark.parametrize(
    ("returned", "declared"),
    [
        (str, str),
        ("str", str),
        (None, None),
        (bool, int),
        (int, float),
        (Number, int),
        (str, str | None),
        (None, str | None),
        (str | None, str | None),
        (list[str], Sequence[str]),
        (list[bool], list[int]),
        (dict[str, int], Mapping[str, object]),
        (tuple[int, int], tuple[int, ...]),
        (Fields, dict[str, str]),
        (dict[str, str], Fields),
        (Literal["a"], str),
        (Any, str),
        (object, str),
        (T, str),
        (str, Any),
        (str, object),
        ("nowhere", str),
        (str, "nowhere"),
    ],
)
def test_fits(returned: object, declared: object) -> None:
    check_returns(command(declared), returning(returned))
    check_returns(Plain, returning(returned))


@pytest.mark.parametrize(
    ("returned", "declared"),
    [
        (int, str),
        ("int", str),
        (str, None),
        (None, str),
        (float, int),
        (str | None, str),
        (list[int], list[str]),
        (list[str | None], list[str]),
        (Sequence[str], list[str]),
        (str, int | None),
    ],
)
def test_does_not(returned: object, declared: object) -> None:
    with pytest.raises(BadSignature, match=r"answer returns .*, but Made declares .*: make them one"):
        check_returns(command(declared), partial(returning(returned)))


def test_one_function_for_several_messages_returns_some_of_it_for_each() -> None:
    check_returns(command(str), returning(str | int), shared=True)
    with pytest.raises(BadSignature):
        check_returns(command(bytes), returning(str | int), shared=True)


def test_what_a_query_declares() -> None:
    class Ask(Query[list[int]]):
        pass

    class Inherited(Ask):
        pass

    assert declared_result(Inherited) == list[int]
    assert declared_result(Plain) is object
