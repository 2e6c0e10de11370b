"""The figures once more, from the rows alone: the standard library and no headwater."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

Row: TypeAlias = Mapping[str, str]
Sums: TypeAlias = dict[str, Decimal]


def kind_of(row: Row) -> str:
    special = {"C": "LineCancelled", "A": "BadDebtAdjusted"}.get(row["invoice"][0])
    return special or ("StockWrittenOff" if int(row["quantity"]) < 0 else "LineSold")


def top(counted: Mapping[str, int]) -> list[object]:
    return [list(item) for item in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:10]]


def top_amounts(amounts: Sums) -> list[object]:
    ranked = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    return [[name, f"{amount:.3f}"] for name, amount in ranked[:10]]


def amounts_by(rows: Sequence[Row], column: str) -> Sums:
    amounts: Sums = defaultdict(Decimal)
    for row in rows:
        amounts[row[column]] += int(row["quantity"]) * Decimal(row["unit_price"])
    return amounts


def total(rows: Sequence[Row]) -> str:
    return f"{sum((int(row['quantity']) * Decimal(row['unit_price']) for row in rows), Decimal(0)):.3f}"


def groups(rows: Sequence[Row], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[{"month": row["invoice_date"][:7], "kind": kind_of(row)}.get(key) or row[key]].append(row)
    return found


def truth_of(rows: Sequence[Row]) -> dict[str, object]:
    known = [row for row in rows if row["customer_id"]]
    units: Counter[str] = Counter()
    deepest: Counter[str] = Counter()
    digest = hashlib.sha256()
    for row in rows:
        units[row["stock_code"]] += int(row["quantity"])
        deepest[row["stock_code"]] = min(deepest[row["stock_code"]], -units[row["stock_code"]])
        parts = (row["position"], row["invoice"], row["stock_code"], kind_of(row), row["quantity"], row["unit_price"])
        digest.update(("|".join(parts) + "\n").encode())
    times = [row["invoice_date"] for row in rows]
    months = groups(rows, "month")
    return {
        "events": len(rows),
        "streams_invoice": len(groups(rows, "invoice")),
        "streams_stock_code": len(units),
        "streams_customer": len(groups(known, "customer_id")),
        "events_without_customer": len(rows) - len(known),
        "first": times[0],
        "last": times[-1],
        "time_ordered": times == sorted(times),
        "events_per_type": dict(Counter(map(kind_of, rows))),
        "sum_quantity": sum(units.values()),
        "sum_amount": total(rows),
        "amount_per_type": {kind: total(of) for kind, of in groups(rows, "kind").items()},
        "longest_invoice_streams": top(Counter(row["invoice"] for row in rows)),
        "longest_stock_streams": top(Counter(row["stock_code"] for row in rows)),
        "longest_customer_streams": top(Counter(row["customer_id"] for row in known)),
        "per_month": {
            month: {"lines": len(of), "amount": total(of), "invoices": len(groups(of, "invoice"))}
            for month, of in months.items()
        },
        "per_country": {country: [len(of), total(of)] for country, of in groups(rows, "country").items()},
        "top10_customers_by_amount": top_amounts(amounts_by(known, "customer_id")),
        "customers_with_negative_balance": sum(v < 0 for v in amounts_by(known, "customer_id").values()),
        "top10_net_units_by_stock_code": top(units),
        "stock_codes_net_units_below_zero": sum(v < 0 for v in units.values()),
        "top10_invoices_by_amount": top_amounts(amounts_by(rows, "invoice")),
        "invoices_with_more_than_one_timestamp": sum(
            len({row["invoice_date"] for row in of}) > 1 for of in groups(rows, "invoice").values()
        ),
        "deepest_running_stock": [
            list(item) for item in sorted(deepest.items(), key=lambda item: (item[1], item[0]))[:5]
        ],
        "sha256_of_event_sequence": digest.hexdigest(),
    }
