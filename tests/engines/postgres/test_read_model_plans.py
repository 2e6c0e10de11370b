"""Query plans of the hot reads: by key, by index, in a declared order, never by a scan or a sort."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import cast

import asyncpg
import pytest

from headwater.engines.postgres.bindings import Query
from headwater.engines.postgres.location import Location
from headwater.engines.postgres.pipeline_sql import pipeline_sql
from headwater.engines.postgres.search_reads import search_sql
from headwater.engines.postgres.table import Table, table_of
from headwater.engines.postgres.table_reads import find_sql, get_sql
from headwater.models.criteria import All, And, Compare, Contains, Criteria, In, Or, Order, StartsWith
from headwater.models.model import Indexed, Key, ReadModel, Searchable, schema_of
from headwater.models.pipeline import Accumulator, Group, Limit, Match, Sort
from headwater.models.pipeline_binding import bind_pipeline
from headwater.ports.read_models import Selection
from tests.engines.postgres.stores import opened, select, write
from tests.engines.servers import fresh_schema


class Sale(ReadModel, table="plan", orders=["-amount", ("country", "-amount"), "-customer"]):
    id: Key[str]
    country: str
    amount: int
    customer: Indexed[str | None]
    tags: Indexed[list[str]] = []  # noqa: RUF012  # copied for each row
    name: Searchable[str] = ""
    note: Searchable[str] = ""


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema() as url:
        async with opened(url, Sale):
            pass
        yield url


def table(url: str) -> Table:
    return table_of(f'"{Location.parse(url, {}).schema}"', Sale)


async def plan(url: str, query: Query) -> str:
    """What the server would do if it could spare itself no index."""
    sql, values = query
    connection = await asyncpg.connect(Location.parse(url, {}).dsn, server_settings={"enable_seqscan": "off"})
    rows = await connection.fetch(f"EXPLAIN {sql}", *values)
    await connection.close()
    return "\n".join(cast("str", row[0]) for row in rows)


def highest(field: str) -> tuple[Order, ...]:
    return (Order(field, descending=True),)


@pytest.mark.parametrize(
    ("criteria", "order", "condition"),
    [
        (Compare("id", "==", "a"), (), "plan_pkey .* Index Cond: .id = 'a'"),
        (Compare("customer", "==", "a"), (), "plan_customer_id_idx1? .* Index Cond: .customer = 'a'"),
        (
            Compare("customer", "==", None),
            (Order("customer"),),
            "plan_customer_id_idx .* Index Cond: .customer IS NULL",
        ),
        (
            In("customer", tuple(map(str, range(100)))),
            (Order("customer"),),
            "plan_customer_id_idx .* Index Cond: .customer = ANY",
        ),
        (
            StartsWith("customer", "ab"),
            (Order("customer"),),
            "plan_customer_id_idx .* Index Cond: ..customer >= 'ab'::text. AND .customer < 'ac'",
        ),
        (All(), (), "plan_pkey"),
        (All(), highest("id"), "Backward using plan_pkey"),
        (All(), (Order("customer"),), "plan_customer_id_idx"),
        (All(), highest("customer"), "plan_customer_id_idx1"),
        (All(), highest("amount"), "plan_amount_id_idx"),
        (Compare("amount", "<", 5), highest("amount"), "plan_amount_id_idx .* Index Cond: .amount < '5'"),
        (
            And((Compare("amount", "<=", 5), Or((Compare("amount", "<", 5), Compare("id", ">", "x"))))),
            highest("amount"),
            "plan_amount_id_idx .* Index Cond: .amount <= '5'",
        ),
        (
            Compare("country", "==", "a"),
            highest("amount"),
            "plan_country_amount_id_idx .* Index Cond: .country = 'a'",
        ),
        (
            And((Compare("country", "==", "a"), Compare("amount", ">", 1))),
            highest("amount"),
            "plan_country_amount_id_idx .* Index Cond: ..country = 'a'::text. AND .amount > '1'",
        ),
    ],
)
async def test_a_find_walks_its_index(url: str, criteria: Criteria, order: tuple[Order, ...], condition: str) -> None:
    found = await plan(url, find_sql(table(url), Selection(criteria=criteria, order=order, limit=10)))
    assert re.search(f"Index.* {condition}", found.replace("\n", " ")), found
    assert "Sort" not in found


async def test_a_row_is_got_by_its_key(url: str) -> None:
    assert "Index Scan using plan_pkey" in await plan(url, get_sql(table(url), "a"))


async def test_an_indexed_list_is_asked_for_its_items(url: str) -> None:
    criteria = Selection(criteria=Contains("tags", "a"))
    assert "Bitmap Index Scan on plan_tags_idx" in await plan(url, find_sql(table(url), criteria))


async def test_a_pipeline_starts_from_an_index(url: str) -> None:
    top = (Match(Compare("country", "==", "a")), Sort(highest("amount")), Limit(10))
    found = await plan(url, pipeline_sql(bind_pipeline(top, schema_of(Sale)), table(url)))
    assert "Index Scan using plan_country_amount_id_idx" in found
    assert "Sort" not in found
    sums = (Match(Compare("customer", "==", "a")), Group({"_id": "country"}, {"n": Accumulator("$sum", "amount")}))
    found = await plan(url, pipeline_sql(bind_pipeline(sums, schema_of(Sale)), table(url)))
    assert "plan_customer_id_idx" in found


@pytest.mark.parametrize("fields", [["name"], ["name", "note"]])
async def test_a_search_asks_the_indexes(url: str, fields: list[str]) -> None:
    async with opened(url, Sale) as engine:
        rows = [Sale(id=f"{n}", country="c", amount=n, customer=None, name=f"n{n}", note=f"m{n}") for n in range(2_000)]
        await write(engine, *rows)
    await select(url, "ANALYZE plan")
    found = await plan(url, search_sql(table(url), fields, ["n1234", "m1234" if len(fields) > 1 else "n12"], 10))
    for field in fields:
        assert f"Bitmap Index Scan on plan__search_{field}_idx" in found
    assert "Seq Scan" not in found
