"""Statements that write changes: one for each read model and shape of change, made once."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import msgspec

from headwater.engines.sqlite import search_index
from headwater.engines.sqlite.table import Table, quoted
from headwater.models.fields import Field

__all__ = ["AfterWrite", "Statement", "accumulate", "delete", "insert", "insert_missing", "update", "upsert"]


class AfterWrite(Enum):
    """What the search index does with the rows a statement returns."""

    NOTHING = "nothing"
    INDEX = "index"
    FORGET = "forget"


class Statement(msgspec.Struct, frozen=True, eq=False):
    """One statement of a table, the fields its parameters belong to, and what follows in its search index."""

    table: Table
    sql: str
    parameters: tuple[Field, ...]
    after: AfterWrite = AfterWrite.NOTHING


def insert(table: Table) -> Statement:
    """Parameters: the row. Not `OR REPLACE`, which would give the row another row id."""
    assignments = ", ".join(f"{column} = excluded.{column}" for column in table.columns if column != table.key)
    return _indexed(table, f"{_insert(table)} {_on_conflict(table, assignments)}", _row(table))


def insert_missing(table: Table) -> Statement:
    """Parameters: the row."""
    return _indexed(table, f"{_insert(table)} {_on_conflict(table, '')}", _row(table))


def update(table: Table, names: Sequence[str]) -> Statement:
    """Parameters: the fields' values, the key."""
    assignments = ", ".join(f"{quoted(name)} = ?" for name in names)
    sql = f"UPDATE {table.name} SET {assignments} WHERE {table.key} = ?"
    parameters = (*_named(table, names), _key(table))
    return _indexed(table, sql, parameters) if set(names) & set(table.searchable) else Statement(table, sql, parameters)


def upsert(table: Table, names: Sequence[str]) -> Statement:
    """Parameters: the missing row, the fields' values."""
    first = len(table.columns) + 1
    assignments = ", ".join(f"{quoted(name)} = ?{number}" for number, name in enumerate(names, first))
    sql = f"{_insert(table)} {_on_conflict(table, assignments)}"
    return _indexed(table, sql, (*_row(table), *_named(table, names)))


def delete(table: Table) -> Statement:
    """Parameters: the key."""
    sql = f"DELETE FROM {table.name} WHERE {table.key} = ?"
    if not table.searchable:
        return Statement(table, sql, (_key(table),))
    return Statement(table, sql + search_index.returning(table), (_key(table),), AfterWrite.FORGET)


def accumulate(table: Table, add: Sequence[str], high: Sequence[str], low: Sequence[str]) -> Statement:
    """Parameters: the missing row, what is added, the bounds.

    An integer that outgrows 64 bits would turn into a float, which a column of a STRICT table refuses.
    """
    names = [*add, *high, *low]
    templates = ["{0} + {1}"] * len(add) + [_bound("max")] * len(high) + [_bound("min")] * len(low)
    marks = [f"?{number}" for number in range(1, len(table.columns) + len(names) + 1)]
    row, values = dict(zip(table.columns, marks, strict=False)), marks[len(table.columns) :]
    changes = {quoted(name): (template, mark) for name, template, mark in zip(names, templates, values, strict=True)}
    assignments = ", ".join(
        f"{column} = {template.format(f'{table.name}.{column}', mark)}" for column, (template, mark) in changes.items()
    )
    first = row | {column: template.format(row[column], mark) for column, (template, mark) in changes.items()}
    sql = f"{_insert(table, list(first.values()))} {_on_conflict(table, assignments)}"
    parameters = (*_row(table), *_named(table, names))
    return _indexed(table, sql, parameters) if set(names) & set(table.searchable) else Statement(table, sql, parameters)


def _bound(function: str) -> str:
    return function + "(coalesce({0}, {1}), {1})"


def _insert(table: Table, values: Sequence[str] | None = None) -> str:
    marks = values or [f"?{number}" for number in range(1, len(table.columns) + 1)]
    return f"INSERT INTO {table.name}({', '.join(table.columns)}) VALUES ({', '.join(marks)})"


def _on_conflict(table: Table, assignments: str) -> str:
    return f"ON CONFLICT({table.key}) DO " + (f"UPDATE SET {assignments}" if assignments else "NOTHING")


def _indexed(table: Table, sql: str, parameters: tuple[Field, ...]) -> Statement:
    if not table.searchable:
        return Statement(table, sql, parameters)
    return Statement(table, sql + search_index.returning(table), parameters, AfterWrite.INDEX)


def _key(table: Table) -> Field:
    return table.fields[table.schema.key]


def _row(table: Table) -> tuple[Field, ...]:
    return tuple(table.fields.values())


def _named(table: Table, names: Sequence[str]) -> tuple[Field, ...]:
    return tuple([table.fields[name] for name in names])
