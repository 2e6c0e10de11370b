"""Middleware around a handler."""

from __future__ import annotations

import pytest

from headwater.handling.chain import compose
from headwater.ports.middleware import CallNext


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
