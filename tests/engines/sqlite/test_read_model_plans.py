"""Query plans of the hot reads: by key, by index, in a declared order, never by a scan or a sort."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import apsw
import pytest

from headwater.engines.sqlite.pipeline_sql import pipeline_sql
from headwater.engines.sqlite.table import table_of
from headwater.engines.sqlite.table_reads import find_sql, search_sql
from headwater.models.criteria import All, And, Compare, Criteria, In, Order, StartsWith
from headwater.models.fields import Scalar
from headwater.models.model import Indexed, Key, ReadModel, Searchable, schema_of
from headwater.models.pipeline import Limit, Match, Sort
from headwater.models.pipeline_binding import bind_pipeline
from headwater.ports.read_models import Selection
from tests.engines.sqlite.stores import file_of, opened


class Sale(ReadModel, table="plan", orders=["-amount", ("country", "-amount")]):
    id: Key[str]
    country: str
    amount: int
    customer: Indexed[str | None]
    name: Searchable[str] = ""
    note: str = ""


TABLE = table_of(Sale)


def plan(folder: Path, statement: tuple[str, list[Scalar]]) -> str:
    sql, bindings = statement
    connection = apsw.Connection(str(file_of(folder)))
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", bindings).fetchall()
    connection.close()
    return "; ".join(cast("str", row[3]) for row in rows)


def highest(field: str) -> tuple[Order, ...]:
    return (Order(field, descending=True),)


@pytest.mark.parametrize(
    ("criteria", "order", "index"),
    [
        (Compare("id", "==", "a"), (), "sqlite_autoindex_plan_1 (id=?)"),
        (Compare("customer", "==", "a"), (), "plan.customer (customer=?)"),
        (Compare("customer", "==", None), (), "plan.customer (customer=?)"),
        (In("customer", tuple(map(str, range(100)))), (Order("customer"),), "plan.customer (customer=?)"),
        (StartsWith("customer", "ab"), (Order("customer"),), "plan.customer (customer>? AND customer<?)"),
        (All(), (), "sqlite_autoindex_plan_1"),
        (All(), highest("amount"), "plan.-amount"),
        (Compare("amount", "<", 5), highest("amount"), "plan.-amount (amount<?)"),
        (Compare("country", "==", "a"), highest("amount"), "plan.country,-amount (country=?)"),
        (
            And((Compare("country", "==", "a"), Compare("amount", ">", 1))),
            highest("amount"),
            "plan.country,-amount (country=? AND amount>?)",
        ),
    ],
)
async def test_a_find_walks_its_index(tmp_path: Path, criteria: Criteria, order: tuple[Order, ...], index: str) -> None:
    async with opened(tmp_path, Sale):
        pass
    found = plan(tmp_path, find_sql(TABLE, Selection(criteria=criteria, order=order, limit=10)))
    assert f"USING INDEX {index}" in found
    assert "TEMP B-TREE" not in found


async def test_a_pipeline_starts_from_an_index(tmp_path: Path) -> None:
    async with opened(tmp_path, Sale):
        pass
    top = (Match(Compare("country", "==", "a")), Sort(highest("amount")), Limit(10))
    found = plan(tmp_path, pipeline_sql(bind_pipeline(top, schema_of(Sale)), TABLE))
    assert "USING INDEX plan.country,-amount (country=?)" in found
    assert "TEMP B-TREE" not in found


async def test_a_search_asks_the_index_and_then_for_rows_by_number(tmp_path: Path) -> None:
    async with opened(tmp_path, Sale):
        pass
    found = plan(tmp_path, search_sql(TABLE, ["name"], ["a"], 10))
    assert "SCAN plan__search VIRTUAL TABLE INDEX" in found
    assert "SCAN r" not in found
