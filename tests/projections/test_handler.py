"""Declarations: what a projection class must be, and which events it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import BadDeclaration, BadSignature, DuplicateName, InvalidIdentifier, UnknownName
from headwater.handling.injection import Injector
from headwater.projections.batch import BatchProjectionHandler
from headwater.projections.handler import ProjectionHandler, declaration_of
from headwater.projections.projection import bind, bind_all, find
from headwater.read_models.views import Views
from tests.projections.shop import Added, Noted, Removed, Stock, StockView


def test_a_name_is_the_class_name_in_snake_case() -> None:
    class SalesPerMonth(ProjectionHandler, abstract=True):
        pass

    class Renamed(SalesPerMonth, name="sales", abstract=True):
        pass

    assert declaration_of(SalesPerMonth).name == "sales_per_month"
    assert declaration_of(Renamed).name == "sales"


def test_a_subclass_inherits_what_it_does_not_declare() -> None:
    class Base(ProjectionHandler, writes=[StockView], key="units", abstract=True):
        pass

    class Derived(Base, abstract=True):
        pass

    assert declaration_of(Derived).writes == (StockView,)
    assert declaration_of(Derived).key == "units"


def test_the_bare_base_class_is_no_projection() -> None:
    with pytest.raises(BadDeclaration, match="derive"):
        declaration_of(ProjectionHandler)


def test_a_class_in_place_of_its_object_is_refused() -> None:
    class Late(ProjectionHandler, abstract=True):
        pass

    with pytest.raises(BadDeclaration, match=r"projections=\[Users\(\)\]"):
        declaration_of(cast("Any", type(Late)))


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidIdentifier):

        class Named(ProjectionHandler, name="my projection", abstract=True):
            pass


def test_handling_nothing_is_refused() -> None:
    with pytest.raises(BadDeclaration, match="handles nothing"):

        class Nothing(ProjectionHandler):
            pass


def test_two_styles_at_once_are_refused() -> None:
    with pytest.raises(BadDeclaration, match="keep one style"):

        class Both(ProjectionHandler):
            @on(Added)
            async def added(self, e: Recorded[Added]) -> None: ...

            async def handle(self, event: Recorded[Added]) -> None: ...


def test_one_event_or_a_batch_but_not_both() -> None:
    with pytest.raises(BadDeclaration, match="handle_batch"):

        class Both(BatchProjectionHandler):
            async def handle(self, event: Recorded[Added]) -> None: ...

            async def handle_batch(self, events: Sequence[Recorded[Added]]) -> None: ...


def test_two_methods_for_one_event_are_refused() -> None:
    with pytest.raises(DuplicateName):

        class Twice(ProjectionHandler):
            @on(Added)
            async def one(self, e: Recorded[Added]) -> None: ...

            @on(Added)
            async def two(self, e: Recorded[Added]) -> None: ...


def test_a_method_that_is_not_async_is_refused() -> None:
    with pytest.raises(BadSignature, match="async def"):

        class Sync(ProjectionHandler):
            def handle(self, event: Recorded[Added]) -> None: ...


def test_a_method_without_the_event_is_refused() -> None:
    with pytest.raises(BadSignature, match="take the event"):

        class Deaf(ProjectionHandler):
            async def handle(self) -> None: ...


@pytest.mark.parametrize("writes", [StockView, ["shop_stock"], [int]])
def test_writes_lists_read_model_classes(writes: Any) -> None:
    with pytest.raises(BadDeclaration, match="writes="):

        class Writer(ProjectionHandler, writes=writes, abstract=True):
            pass


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"flush_interval": -1}, {"parallelism": 0}])
def test_a_batch_needs_numbers_that_mean_something(options: Any) -> None:
    class Batched(BatchProjectionHandler):
        async def handle(self, event: Recorded[Added]) -> None: ...

    with pytest.raises(BadDeclaration, match=next(iter(options))):
        Batched(**options)


class Unannotated(ProjectionHandler):
    async def handle(self, event): ...  # type: ignore[no-untyped-def]


class Everything(ProjectionHandler):
    async def handle(self, event: Recorded[Any]) -> None: ...


class Anything(ProjectionHandler):
    async def handle(self, event: Any) -> None: ...


class Either(ProjectionHandler):
    async def handle(self, event: Recorded[Added | Removed]) -> None: ...


class EitherApart(ProjectionHandler):
    async def handle(self, event: Recorded[Added] | Recorded[Removed]) -> None: ...


class InBatches(BatchProjectionHandler):
    async def handle_batch(self, events: Sequence[Recorded[Added | Removed]]) -> None: ...


@pytest.mark.parametrize("handler", [Unannotated(), Everything(), Anything()])
def test_a_handle_that_names_no_event_gets_all(handler: ProjectionHandler) -> None:
    projection = bind(handler, Injector())
    assert projection.events == ()
    assert projection.handler_of(Noted()) is not None


@pytest.mark.parametrize("handler", [Either(), EitherApart(), InBatches()])
def test_a_handle_gets_the_events_it_names(handler: ProjectionHandler) -> None:
    projection = bind(handler, Injector())
    assert projection.events == (Added, Removed)
    assert projection.handler_of(Added(units=1)) is not None
    assert projection.handler_of(Noted()) is None


class Plain(ProjectionHandler):
    async def handle(self, event: Added) -> None: ...


class PlainOn(ProjectionHandler):
    @on(Added)  # type: ignore[arg-type]  # what a type checker would say, too
    async def added(self, e: Added) -> None: ...


class Unknown(ProjectionHandler):
    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None: ...


@pytest.mark.parametrize("handler", [Plain(), PlainOn()])
def test_the_event_comes_recorded(handler: ProjectionHandler) -> None:
    with pytest.raises(BadSignature, match=r"Recorded\[\.\.\.\]"):
        bind(handler, Injector())


def test_a_parameter_nobody_provides_is_refused() -> None:
    with pytest.raises(BadSignature, match="views"):
        bind(Unknown(), Injector())


def test_a_projection_is_found_by_any_of_its_names() -> None:
    stock = Either()

    class Writing(ProjectionHandler, name="writing", writes=[StockView]):
        async def handle(self, event: Recorded[Added]) -> None: ...

    projections = bind_all([stock, Writing()], Injector())
    assert find(projections, "either") is find(projections, Either) is find(projections, stock)
    assert find(projections, "shop_stock") is find(projections, StockView) is find(projections, "writing")
    with pytest.raises(UnknownName, match="known are either, writing"):
        find(projections, Stock)
