"""Orders in every form, and what has none."""

from __future__ import annotations

from typing import cast

import pytest

from headwater.errors import BadDeclaration, InvalidCriteria
from headwater.models.criteria import Order
from headwater.models.model import Key, ReadModel, schema_of
from headwater.models.ordering import OrderLike, bind_orders, parse_order
from headwater.testing.conformance.products import Product

DOWN = Order("stock", descending=True)


@pytest.mark.parametrize(
    ("given", "orders"),
    [
        ("stock", (Order("stock"),)),
        ("-stock", (DOWN,)),
        (("stock", "desc"), (DOWN,)),
        ([("stock", "desc"), ("kind", "asc")], (DOWN, Order("kind"))),
        (("kind", "-stock"), (Order("kind"), DOWN)),
        ({"stock": -1, "kind": 1}, (DOWN, Order("kind"))),
        (DOWN, (DOWN,)),
        ([DOWN, "kind"], (DOWN, Order("kind"))),
        ((), ()),
        ([], ()),
    ],
)
def test_every_form(given: OrderLike, orders: tuple[Order, ...]) -> None:
    assert parse_order(given) == orders


@pytest.mark.parametrize(
    "given", [None, 1, {"stock": 2}, {"stock": True}, [1], [("stock", "up")], [("stock", "asc", 1)]]
)
def test_no_other_form(given: object) -> None:
    with pytest.raises(InvalidCriteria):
        parse_order(cast("OrderLike", given))


def test_the_key_breaks_ties_and_ends_the_order() -> None:
    fields = schema_of(Product).fields
    names = [(order.field.name, order.descending) for order in bind_orders((DOWN,), fields, "id")]
    assert names == [("stock", True), ("id", False)]
    past_key = bind_orders((Order("id", descending=True), DOWN), fields, "id")
    assert [(order.field.name, order.descending) for order in past_key] == [("id", True)]


@pytest.mark.parametrize("orders", [["nothing"], [()], ["-id", "-id,"], [("id", "id")], [5]])
def test_a_declared_order_is_checked_at_class_creation(orders: list[OrderLike]) -> None:
    with pytest.raises(BadDeclaration):

        class Wrong(ReadModel, orders=orders):
            id: Key[str]


def test_declared_orders_are_on_the_schema() -> None:
    assert schema_of(Product).orders == ((Order("kind"), Order("price", descending=True)),)
