"""Middleware around a handler."""

from __future__ import annotations

import functools
from typing import cast

import pytest

from headwater.handling.chain import compose
from headwater.ports.middleware import CallNext, Middleware


class Mark:
    def __init__(self, name: str, seen: list[str]) -> None:
        self.name, self.seen = name, seen

    async def __call__(self, message: object, call_next: CallNext) -> object:
        self.seen.append(f"{self.name} in")
        try:
            return f"{self.name}({await call_next(message)})"
        finally:
            self.seen.append(f"{self.name} out")


async def handler(message: object) -> object:
    if message == "bad":
        raise ValueError(message)
    return message


async def function(message: object, call_next: CallNext) -> object:
    return f"f({await call_next(message)})"


async def test_the_first_is_the_outermost() -> None:
    seen: list[str] = []
    chain = compose([Mark("a", seen), function, Mark("b", seen)], handler)
    assert await chain("m") == "a(f(b(m)))"
    assert seen == ["a in", "b in", "b out", "a out"]


async def test_an_error_passes_through_all() -> None:
    seen: list[str] = []
    with pytest.raises(ValueError, match="bad"):
        await compose([Mark("a", seen), Mark("b", seen)], handler)("bad")
    assert seen == ["a in", "b in", "b out", "a out"]


async def test_a_link_may_answer_for_the_handler() -> None:
    async def stop(message: object, call_next: CallNext) -> object:
        return "stopped"

    assert await compose([stop], handler)("bad") == "stopped"


def test_no_middleware_is_the_handler() -> None:
    assert compose([], handler) is handler


async def test_every_form_of_middleware_gets_the_rest_of_its_chain() -> None:
    seen: list[str] = []

    async def function(message: object, call_next: CallNext) -> object:
        seen.append("function")
        return await call_next(message)

    class Form:
        def __init__(self, name: str) -> None:
            self.name = name

        async def __call__(self, message: object, call_next: CallNext) -> object:
            seen.append(self.name)
            return await call_next(message)

        async def method(self, message: object, call_next: CallNext) -> object:
            return await self(message, call_next)

    async def open_ended(*arguments: object, **_: object) -> object:
        seen.append("open-ended")
        message, call_next = arguments
        return await cast("CallNext", call_next)(message)

    async def handler(message: object) -> object:
        return message

    objects: list[Middleware] = [Form("object"), Form("twin"), Form("method").method]
    links: list[Middleware] = [function, *objects, open_ended, functools.partial(function)]
    call = compose(links, handler)
    assert [await call(1), await call(2)] == [1, 2]
    assert seen == ["function", "object", "twin", "method", "open-ended", "function"] * 2
