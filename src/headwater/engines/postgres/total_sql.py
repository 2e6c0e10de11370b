"""Totals of groups as SQL, as `headwater.models.pipeline` means them.

Sums are exact: whole numbers add up to a `numeric`, floats are made exact `numeric`s first and rounded once, so that
they do not depend on the order of the rows. Casts refuse what does not fit.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from headwater.engines.postgres.bindings import Bindings
from headwater.models.fields import Kind

__all__ = ["constant_sum", "total_of"]

_BEYOND: Final = 2**64
_SHIFT: Final = 10_000
"""Of the four more digits that an average of Decimals has."""


def constant_sum(summand: int, bindings: Bindings) -> str:
    """A number for each row; beyond is beyond: the sum is refused either way."""
    mark = bindings.mark(Decimal(max(-_BEYOND, min(_BEYOND, summand))), "numeric")
    return f"(count(*) * {mark})::bigint"


def total_of(operator: str, column: str, kind: Kind, namespace: str) -> str:
    """An aggregate over a column of scalars."""
    exact = f"sum({namespace}.headwater_exact({column}))" if kind is Kind.REAL else f"sum({column})"
    match operator:
        case "$min" | "$max" if kind is Kind.BYTES:
            return f"decode({operator[1:]}(encode({column}, 'hex') COLLATE \"C\"), 'hex')"
        case "$min" | "$max":
            return f"{operator[1:]}({column})"
        case "$addToSet":
            distinct = f"array_agg(DISTINCT {column} ORDER BY {column}) FILTER (WHERE {column} IS NOT NULL)"
            return f"coalesce(to_json({distinct})::text, '[]')"
        case "$sum":
            return f"coalesce({exact}, 0)::{'double precision' if kind is Kind.REAL else 'bigint'}"
        case _ if kind is Kind.DECIMAL:
            doubled = f"div(2 * abs({exact}) * {_SHIFT} + count({column}), 2 * count({column}))"
            return f"(sign({exact}) * {doubled})::bigint"
        case _:
            return f"{exact}::double precision / nullif(count({column}), 0)"
