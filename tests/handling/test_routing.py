"""Which function handles which message."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.domain.messages import Command, CommandLike, Event, Query
from headwater.errors import BadSignature, DuplicateName
from headwater.handling.routing import handled_by, handles, message_types


class Make(Command[str]):
    pass


class Break(Command[None]):
    pass


class Ask(Query[int]):
    pass


class Made(Event):
    pass


@handles(Make)
async def make(command: Make) -> str:
    return "made"


class Both:
    @handles(Make)
    async def first(self, command: Make) -> str:
        return "base"

    @classmethod
    @handles(Break)
    async def second(cls, command: Break) -> None: ...

    @staticmethod
    @handles(Ask)
    async def third(query: Ask) -> int:
        return 1

    async def unmarked(self, command: Make) -> str:
        return ""


class Override(Both):
    async def first(self, command: Make) -> str:
        return "override"


def test_a_function_and_the_methods_of_an_object() -> None:
    assert list(handled_by(make)) == [(Make, make)]
    assert {message for message, _ in handled_by(Both())} == {Make, Break, Ask}
    assert list(handled_by(Both().unmarked)) == []


async def test_an_override_handles_what_it_overrides() -> None:
    assert await dict(handled_by(Override()))[Make](Make()) == "override"


@pytest.mark.parametrize("message", [Made, Command, CommandLike, Query, Command[str], "Make", int, None])
def test_what_is_no_message_class(message: Any) -> None:
    with pytest.raises(BadSignature, match="takes a class of commands or queries"):
        handles(message)


def test_a_plain_function() -> None:
    with pytest.raises(BadSignature, match="must be `async def`"):

        @handles(Make)  # type: ignore[arg-type]  # what is refused
        def plain(command: Make) -> str:
            return ""


def test_two_messages_for_one_function() -> None:
    with pytest.raises(BadSignature, match="handles Break already: write one for each message"):

        @handles(Make)  # type: ignore[arg-type]  # what is refused
        @handles(Break)
        async def twice(command: Break) -> None: ...


def test_two_functions_for_one_message() -> None:
    class Twice:
        @handles(Make)
        async def one(self, command: Make) -> str:
            return ""

        @handles(Make)
        async def two(self, command: Make) -> str:
            return ""

    with pytest.raises(DuplicateName, match="one and two both handle Make"):
        list(handled_by(Twice()))


def test_the_first_parameter_is_the_message() -> None:
    @handles(Make)
    async def other(command: Break) -> str:
        return ""

    @handles(Make)  # type: ignore[arg-type]  # what is refused
    async def none() -> str:
        return ""

    with pytest.raises(BadSignature, match="handles Make, but its first parameter is Break"):
        list(handled_by(other))
    with pytest.raises(BadSignature, match="must take the Make first"):
        list(handled_by(none))


def test_the_messages_of_an_annotation() -> None:
    async def one(m: Make) -> None: ...

    async def two(m: Make | Break) -> None: ...

    async def base(m: Command[str]) -> None: ...

    async def bare(m: Command) -> None: ...  # type: ignore[type-arg]  # names no command

    async def nothing() -> None: ...

    found = [message_types(function) for function in (one, two, base, bare, nothing)]
    assert found == [(Make,), (Make, Break), (), (), ()]
