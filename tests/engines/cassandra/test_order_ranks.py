"""Ranks compare as rows do by the reference evaluation; a span holds all that is meant, and of a page nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from headwater.engines.cassandra.orders.order_rank import rank_of
from headwater.engines.cassandra.orders.order_span import span_of
from headwater.models.binding import bind
from headwater.models.criteria import All, And, Compare, Criteria
from headwater.models.criteria_parsing import parse_criteria
from headwater.models.cursor import after
from headwater.models.evaluate import Row, matcher, ordered
from headwater.models.model import schema_of
from headwater.models.ordering import BoundOrder, bind_orders, parse_order
from headwater.testing.conformance.products import Product
from tests.engines.test_read_model_equivalence import CRITERIA

SCHEMA = schema_of(Product)
FIELDS = SCHEMA.fields
TEXTS = st.text(st.sampled_from(["a", "b", "\x01", "\x7f", "é", "￿", "\U0001f600"]), max_size=4)
WHOLE = st.sampled_from([-(2**63), -(2**31), -1, 0, 1, 255, 256, 2**62, 2**63 - 1])
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1.0])
PRODUCTS = st.builds(
    Product,
    id=TEXTS.filter(bool),
    kind=st.none() | TEXTS,
    price=st.integers(-300, 300).map(lambda cents: Decimal(cents).scaleb(-2)),
    stock=st.none() | WHOLE,
    weight=st.none() | FLOATS,
    listed=st.booleans(),
    seen=st.none() | st.integers(-3, 3).map(lambda n: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=n)),
    maker=st.none() | st.integers(0, 3).map(lambda n: UUID(int=n << 60)),
    mark=st.none() | st.binary(max_size=3),
)
NAMES = ["id", "kind", "price", "stock", "weight", "listed", "seen", "maker", "mark"]
ORDERS = st.lists(st.sampled_from(NAMES).flatmap(lambda name: st.sampled_from([name, f"-{name}"])), max_size=3).filter(
    lambda names: len({name.lstrip("-") for name in names}) == len(names)
)


def bound(order: list[str]) -> tuple[BoundOrder, ...]:
    return bind_orders(parse_order(order), FIELDS, "id")


def rank(orders: tuple[BoundOrder, ...], row: Row) -> bytes:
    return rank_of(orders, [row[SCHEMA.names.index(order.field.name)] for order in orders])


@given(st.lists(PRODUCTS, max_size=8, unique_by=lambda row: row.id), ORDERS)
def test_ranks_compare_as_rows_do(products: list[Product], order: list[str]) -> None:
    rows, orders = [SCHEMA.to_scalars(each) for each in products], bound(order)
    by_key = ordered(rows, bound([]), FIELDS)
    assert sorted(by_key, key=lambda row: rank(orders, row)) == ordered(by_key, orders, FIELDS)


@given(st.lists(PRODUCTS, max_size=8), ORDERS, CRITERIA)
def test_a_span_holds_every_row_that_is_meant(products: list[Product], order: list[str], asked: object) -> None:
    criteria, orders = bind(parse_criteria(asked), FIELDS), bound(order)  # type: ignore[arg-type]
    is_meant, span = matcher(criteria, FIELDS), span_of(criteria, orders)
    for row in map(SCHEMA.to_scalars, products):
        if is_meant(row):
            assert span is not None
            assert span.low <= rank(orders, row) < span.high


@given(st.lists(PRODUCTS, min_size=1, max_size=8), ORDERS, st.booleans())
def test_of_a_page_behind_a_cursor_a_span_holds_no_other_row(
    products: list[Product], order: list[str], is_narrowed: bool
) -> None:
    orders, last = bound(order), products[0]
    scalars = [each.field.to_scalar(getattr(last, each.field.name)) for each in orders]
    criteria: Criteria = after(orders, scalars)
    if is_narrowed:
        criteria = And((Compare(orders[0].field.name, "==", getattr(last, orders[0].field.name)), criteria))
    meant = bind(And((All(), criteria)), FIELDS)
    is_meant, span = matcher(meant, FIELDS), span_of(meant, orders)
    for row in map(SCHEMA.to_scalars, products):
        assert is_meant(row) == (span is not None and span.low <= rank(orders, row) < span.high)
