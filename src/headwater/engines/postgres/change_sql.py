"""Statements that write changes: one for each read model and shape of change, made once.

Most write many rows at once: a column of parameters each, put together by `unnest`. Where a change has values beside
those of its row, which `excluded` does not know, rows are written one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import msgspec

from headwater.engines.postgres import search_index
from headwater.engines.postgres.natives import native_of, parameters
from headwater.engines.postgres.table import Table, quoted
from headwater.models.fields import Field

__all__ = [
    "Parameter",
    "Statement",
    "accumulate",
    "accumulate_singly",
    "delete",
    "insert",
    "update",
    "upsert",
    "upsert_singly",
]


class Parameter(msgspec.Struct, frozen=True):
    """A column that is sent: of a field's values, or of their words."""

    field: Field
    place: int
    """Where a change's values have it."""
    is_words: bool = False

    @property
    def column(self) -> str:
        return search_index.column_of(self.field.name) if self.is_words else quoted(self.field.name)

    @property
    def sent(self) -> str:
        return "text" if self.is_words else native_of(self.field).sent

    def received(self, sent: str) -> str:
        """SQL of what is stored, given SQL of what was sent."""
        return (search_index.RECEIVED if self.is_words else native_of(self.field).received).format(sent)

    def values(self, columns: Sequence[Sequence[object]]) -> Sequence[object]:
        """What is sent; raises InvalidMessage for a value that does not fit its field."""
        column = columns[self.place]
        if self.is_words:
            return list(map(search_index.words_of, cast("Sequence[str | None]", column)))
        return parameters(self.field, column)


class Statement(msgspec.Struct, frozen=True, eq=False):
    """One statement of a table, what it is sent, and where its changes have their keys."""

    table: Table
    sql: str
    parameters: tuple[Parameter, ...]
    key_place: int = 0
    is_single: bool = False
    """True where it writes one row at a time."""
    locks_first: bool = False
    """True where it would lock rows in any order."""


def insert(table: Table) -> Statement:
    """Values: the row."""
    row = _row(table)
    sql = f"{_insert_many(table, row)} {_on_conflict(table, _excluded(row, table))}"
    return Statement(table, sql, row, _key_place(table))


def upsert(table: Table, names: Sequence[str]) -> Statement:
    """Values: the missing row, which has the fields already."""
    row = _row(table)
    chosen = [parameter for parameter in row if parameter.field.name in names]
    sql = f"{_insert_many(table, row)} {_on_conflict(table, _excluded(chosen, table))}"
    return Statement(table, sql, row, _key_place(table))


def upsert_singly(table: Table, names: Sequence[str]) -> Statement:
    """Values: the missing row, the fields' values."""
    row = _row(table)
    fields = _parameters(table, names, len(table.columns))
    values = _marks([*row, *fields])[len(row) :]
    assignments = {each.column: value for each, value in zip(fields, values, strict=True)}
    sql = f"{_insert_one(table, row)} {_on_conflict(table, assignments)}"
    return Statement(table, sql, (*row, *fields), _key_place(table), is_single=True)


def update(table: Table, names: Sequence[str]) -> Statement:
    """Values: the key, the fields' values."""
    key = Parameter(table.key_field, 0)
    fields = _parameters(table, names, 1)
    values = _received([key, *fields])
    assignments = ", ".join(f"{field.column} = {value}" for field, value in zip(fields, values[1:], strict=True))
    source = _unnested([key, *fields])
    sql = f"UPDATE {table.name} AS r SET {assignments} FROM {source} WHERE r.{table.key} = {values[0]}"
    return Statement(table, sql, (key, *fields), locks_first=True)


def delete(table: Table) -> Statement:
    """Values: the key."""
    key = Parameter(table.key_field, 0)
    (value,) = _received([key])
    sql = f"DELETE FROM {table.name} AS r USING {_unnested([key])} WHERE r.{table.key} = {value}"
    return Statement(table, sql, (key,), locks_first=True)


def accumulate(table: Table, add: Sequence[str], high: Sequence[str], low: Sequence[str]) -> Statement:
    """Values: the row of what is added and of the bounds, which is also the first row."""
    row = _row(table)
    templates = _templates(add, high, low)
    changed = [parameter for parameter in row if parameter.field.name in templates]
    assignments = _accumulated(changed, templates, _excluded(row, table))
    return Statement(table, f"{_insert_many(table, row)} {_on_conflict(table, assignments)}", row, _key_place(table))


def accumulate_singly(table: Table, add: Sequence[str], high: Sequence[str], low: Sequence[str]) -> Statement:
    """Values: the first row, then what is added and the bounds."""
    row, templates = _row(table), _templates(add, high, low)
    fields = _parameters(table, list(templates), len(table.columns))
    values = _marks([*row, *fields])[len(row) :]
    assignments = _accumulated(fields, templates, {each.column: v for each, v in zip(fields, values, strict=True)})
    sql = f"{_insert_one(table, row)} {_on_conflict(table, assignments)}"
    return Statement(table, sql, (*row, *fields), _key_place(table), is_single=True)


def _templates(add: Sequence[str], high: Sequence[str], low: Sequence[str]) -> dict[str, str]:
    """What each field becomes; `greatest` and `least` pass over null."""
    bounds = dict.fromkeys(high, "greatest({0}, {1})") | dict.fromkeys(low, "least({0}, {1})")
    return dict.fromkeys(add, "{0} + {1}") | bounds


def _accumulated(
    changed: Sequence[Parameter], templates: Mapping[str, str], values: Mapping[str, str]
) -> dict[str, str]:
    """What each column becomes, given by which values: words follow the text that wins."""
    assignments: dict[str, str] = {}
    for parameter in changed:
        name = quoted(parameter.field.name)
        after = templates[parameter.field.name].format(f"r.{name}", values[name])
        if parameter.is_words:
            words = values[parameter.column]
            after = f"CASE WHEN {after} = {values[name]} THEN {words} ELSE r.{parameter.column} END"
        assignments[parameter.column] = after
    return assignments


def _insert_many(table: Table, row: Sequence[Parameter]) -> str:
    values = ", ".join(_received(row))
    return f"INSERT INTO {table.name} AS r ({_columns(row)}) SELECT {values} FROM {_unnested(row)}"


def _insert_one(table: Table, row: Sequence[Parameter]) -> str:
    return f"INSERT INTO {table.name} AS r ({_columns(row)}) VALUES ({', '.join(_marks(row))})"


def _on_conflict(table: Table, assignments: Mapping[str, str]) -> str:
    listed = ", ".join(f"{column} = {value}" for column, value in assignments.items())
    return f"ON CONFLICT ({table.key}) DO " + (f"UPDATE SET {listed}" if listed else "NOTHING")


def _excluded(chosen: Iterable[Parameter], table: Table) -> dict[str, str]:
    """The columns as the row has them that could not be inserted, but for the key."""
    return {each.column: f"excluded.{each.column}" for each in chosen if each.column != table.key}


def _unnested(sent: Sequence[Parameter]) -> str:
    """The rows of a statement's parameters, each a column: `v.c0`, `v.c1` and so on."""
    arrays = ", ".join(f"${place}::{each.sent}[]" for place, each in enumerate(sent, 1))
    return f"unnest({arrays}) AS v({', '.join(f'c{place}' for place in range(len(sent)))})"


def _received(sent: Sequence[Parameter]) -> list[str]:
    """What the rows of `_unnested` say."""
    return [each.received(f"v.c{place}") for place, each in enumerate(sent)]


def _marks(sent: Sequence[Parameter]) -> list[str]:
    """What the parameters of one row say."""
    return [each.received(f"${place}::{each.sent}") for place, each in enumerate(sent, 1)]


def _columns(parameters: Sequence[Parameter]) -> str:
    return ", ".join(each.column for each in parameters)


def _row(table: Table) -> tuple[Parameter, ...]:
    """Every column: the fields, then the words of those that are searched."""
    return _parameters(table, list(table.fields), 0)


def _parameters(table: Table, names: Sequence[str], first: int) -> tuple[Parameter, ...]:
    fields = [Parameter(table.fields[name], place) for place, name in enumerate(names, first)]
    return (*fields, *[Parameter(each.field, each.place, is_words=True) for each in fields if each.field.searchable])


def _key_place(table: Table) -> int:
    return table.schema.names.index(table.schema.key)
