"""Parameters filled in by their annotation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import pytest

from headwater.errors import BadSignature
from headwater.handling.injection import Injector

if TYPE_CHECKING:
    import decimal

T = TypeVar("T")


class Service:
    pass


class Box(Generic[T]):
    def __init__(self, of: type[T]) -> None:
        self.of = of


@pytest.fixture
def injector() -> Injector:
    injector = Injector()
    injector.provide(Service, Service())
    injector.provide_generic(Box, Box)
    return injector


async def test_by_class_by_generic_class_and_by_default(injector: Injector) -> None:
    async def handle(message: str, service: Service, box: Box[int], flag: bool = True) -> object:
        return message, type(service), box.of, flag

    assert await injector.bind(handle, skip=1)("m") == ("m", Service, int, True)


async def test_a_method(injector: Injector) -> None:
    class Handler:
        async def handle(self, message: str, *, service: Service) -> object:
            return message, type(service)

    assert await injector.bind(Handler().handle, skip=1)("m") == ("m", Service)


def test_nothing_to_fill_is_the_function_itself(injector: Injector) -> None:
    async def handle(message: str, *args: str, flag: bool = False, **kwargs: str) -> None: ...

    assert injector.bind(handle, skip=1) is handle


async def nothing_known(m: str, other: int) -> None: ...


async def not_annotated(m: str, other) -> None: ...  # type: ignore[no-untyped-def]  # what is refused


async def other_generic(m: str, other: list[int]) -> None: ...


async def value_as_annotation(m: str, other: [1]) -> None: ...  # type: ignore[misc, valid-type]  # what is refused


async def positional(m: str, service: Service, /) -> None: ...


async def name_of_the_checker_only(m: str, other: decimal.Decimal) -> None: ...


async def missing_attribute(m: str, other: pytest.Missing) -> None: ...  # type: ignore[name-defined]  # what is refused


@pytest.mark.parametrize(
    ("handler", "complaint"),
    [
        (nothing_known, "parameter 'other' cannot be filled in: annotate it with one of Box, Service"),
        (not_annotated, "parameter 'other' cannot be filled in"),
        (other_generic, "parameter 'other' cannot be filled in"),
        (value_as_annotation, "other|resolved"),
        (positional, "parameter 'service' is filled in by name: move the `/`"),
        (name_of_the_checker_only, "cannot be resolved .*decimal"),
        (missing_attribute, "cannot be resolved .*Missing"),
    ],
)
def test_what_cannot_be_filled_in(injector: Injector, handler: Callable[..., Awaitable[None]], complaint: str) -> None:
    with pytest.raises(BadSignature, match=complaint):
        injector.bind(handler, skip=1)


def test_text_that_is_no_annotation(injector: Injector) -> None:
    async def handle(m: str, other: object) -> None: ...

    handle.__annotations__["other"] = "not valid("
    with pytest.raises(BadSignature, match="cannot be resolved"):
        injector.bind(handle, skip=1)
