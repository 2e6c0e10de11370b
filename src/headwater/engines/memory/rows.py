"""Rows: the read models' tables, as dictionaries of scalars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from headwater.errors import UnknownName
from headwater.models.changes import Change, Insert, Update, Upsert, apply, scalar_fields
from headwater.models.criteria import Order
from headwater.models.evaluate import Row
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel, schema_of

__all__ = ["Rows", "Table"]

_Staged: TypeAlias = dict[type[ReadModel], dict[Scalar, Row | None]]


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

    def clear(self) -> None:
        self.rows.clear()
        for index in self._indexes.values():
            index.clear()


class Rows:
    """All read models of a store. A model is known once the schema made its table."""

    def __init__(self) -> None:
        self._tables: dict[type[ReadModel], Table] = {}

    def make(self, models: Iterable[type[ReadModel]]) -> None:
        """Tables for these models; those that are there stay as they are."""
        for model in models:
            if model not in self._tables:
                self._tables[model] = Table(model)

    def index(self, model: type[ReadModel], orders: Iterable[tuple[Order, ...]]) -> None:
        """Indexes by the first field of each order."""
        self.table(model).index(order[0].field for order in orders)

    def table(self, model: type[ReadModel]) -> Table:
        """Raises UnknownName for a model without a table."""
        table = self._tables.get(model)
        if table is None:
            raise UnknownName(f"read model {model.__name__} has no table: name it in read_models=[...]")
        return table

    def apply(self, changes: Sequence[Change]) -> None:
        """Every change, or none: what cannot be applied raises before anything is written."""
        staged: _Staged = {}
        for change in changes:
            self._stage(staged, change)
        for model, rows in staged.items():
            table = self._tables[model]
            for key, row in rows.items():
                table.put(key, row)

    def empty(self, models: Sequence[type[ReadModel]]) -> None:
        """Take all rows of these models away."""
        for table in [self.table(model) for model in models]:
            table.clear()

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
