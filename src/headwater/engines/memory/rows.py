"""Rows: the read models' tables, as dictionaries of scalars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from headwater.errors import UnknownName
from headwater.models.changes import Change, Insert, Update, Upsert, apply, scalar_fields
from headwater.models.criteria import Order
from headwater.models.evaluate import Row
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel, schema_of

__all__ = ["Rows", "Table"]

_Staged: TypeAlias = dict[type[ReadModel], dict[Scalar, Row | None]]
_Before: TypeAlias = "tuple[Table, Scalar, Row | None]"
"""A row as it was before a change."""


class Table:
    """One model's rows by key, and the keys by the values of indexed fields."""

    def __init__(self, model: type[ReadModel]) -> None:
        self.schema = schema_of(model)
        self.rows: dict[Scalar, Row] = {}
        self._places = {name: place for place, name in enumerate(self.schema.names)}
        self._indexes: dict[str, dict[Scalar, dict[Scalar, None]]] = {}
        self.index(name for name, field in self.schema.fields.items() if field.indexed)

    def index(self, names: Iterable[str]) -> None:
        """Find rows by these fields without looking at all of them."""
        for name in names:
            if name not in self._indexes:
                index = self._indexes[name] = {}
                for key, row in self.rows.items():
                    index.setdefault(row[self._places[name]], {})[key] = None

    def keys_of(self, name: str, scalar: Scalar) -> Iterable[Scalar] | None:
        """The keys of the rows whose field is this; None if that takes a look at all rows."""
        if name == self.schema.key:
            return [scalar] if scalar in self.rows else []
        index = self._indexes.get(name)
        return None if index is None else index.get(scalar, ())

    def put(self, key: Scalar, row: Row | None) -> None:
        """Write, replace or, for None, take away."""
        before = self.rows.pop(key, None)
        for name, index in self._indexes.items():
            place = self._places[name]
            if before is not None:
                del index[before[place]][key]
            if row is not None:
                index.setdefault(row[place], {})[key] = None
        if row is not None:
            self.rows[key] = row

    @property
    def indexed(self) -> list[str]:
        return list(self._indexes)

    def clear(self) -> None:
        self.rows.clear()
        for index in self._indexes.values():
            index.clear()


class Rows:
    """The rows of many read models. A model is known once its table was made."""

    def __init__(self) -> None:
        self._tables: dict[type[ReadModel], Table] = {}
        self._changes: Counter[type[ReadModel]] = Counter()
        self._undone_by: list[_Before] | None = None

    def make(self, models: Iterable[type[ReadModel]]) -> None:
        """Tables for these models; those that are there stay as they are."""
        for model in models:
            if model not in self._tables:
                self.put(model, Table(model))

    def index(self, model: type[ReadModel], orders: Iterable[tuple[Order, ...]]) -> None:
        """Indexes by the first field of each order."""
        self.table(model).index(order[0].field for order in orders)

    def table(self, model: type[ReadModel]) -> Table:
        """Raises UnknownName for a model without a table."""
        table = self._tables.get(model)
        if table is None:
            raise UnknownName(f"read model {model.__name__} has no table: name it in read_models=[...]")
        return table

    def changes(self, model: type[ReadModel]) -> int:
        """How often a model has changed; 0 without a table."""
        return self._changes[model] if model in self._tables else 0

    def take(self, model: type[ReadModel]) -> Table | None:
        """Part with a table."""
        return self._tables.pop(model, None)

    def put(self, model: type[ReadModel], table: Table) -> None:
        """Have this table as the model's, found by whatever the one before was found by."""
        before = self._tables.get(model)
        if before is not None:
            table.index(before.indexed)
        self._tables[model] = table
        self._changes[model] += 1

    def only(self, models: Iterable[type[ReadModel]]) -> Rows:
        """The same tables, of these models."""
        chosen = Rows()
        chosen._tables = {model: self._tables[model] for model in models if model in self._tables}
        return chosen

    @contextmanager
    def all_or_nothing(self) -> Generator[None]:
        """What is applied inside is taken back if an exception leaves it."""
        undone_by = self._undone_by = []
        try:
            yield
        except BaseException:
            for table, key, row in reversed(undone_by):
                table.put(key, row)
            raise
        finally:
            self._undone_by = None

    def apply(self, changes: Sequence[Change]) -> None:
        """Every change, or none: what cannot be applied raises before anything is written."""
        staged: _Staged = {}
        for change in changes:
            self._stage(staged, change)
        for model, rows in staged.items():
            table = self._tables[model]
            for key, row in rows.items():
                if self._undone_by is not None:
                    self._undone_by.append((table, key, table.rows.get(key)))
                table.put(key, row)
            self._changes[model] += 1

    def empty(self, models: Sequence[type[ReadModel]]) -> None:
        """Take all rows of these models away."""
        for table in [self.table(model) for model in models]:
            table.clear()
        self._changes.update(models)

    def _stage(self, staged: _Staged, change: Change) -> None:
        table = self.table(change.model)
        schema = table.schema
        rows = staged.setdefault(change.model, {})
        key = schema.fields[schema.key].to_scalar(change.key)
        if isinstance(change, Insert):
            rows[key] = schema.to_scalars(change.row)
            return
        if isinstance(change, Update | Upsert):
            scalar_fields(change.model, change.fields)  # refused even where there is no row to update
        before = rows[key] if key in rows else table.rows.get(key)
        after = apply(change, None if before is None else schema.to_row(before))
        rows[key] = None if after is None else schema.to_scalars(after)
