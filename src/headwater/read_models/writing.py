"""Writing: changes of rows, checked, as handlers and callers ask for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

from headwater.errors import InvalidMessage, NotOwner
from headwater.handling.batch import running_batch
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update, Upsert
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel, Schema, schema_of
from headwater.models.shown import shown

__all__ = ["NO_KEY", "RowWriter", "Writing", "check_upsert"]

NO_KEY: Final = object()
"""In place of a key that was left out."""


class RowWriter(Protocol):
    """Writes changes that no projection makes, in one transaction: a ProjectionStore, or what wraps one."""

    async def write(self, changes: Sequence[Change]) -> None: ...


class Writing:
    """Writes of rows. In a projection they join the running batch; elsewhere each is a transaction of its own.

    Every method raises InvalidMessage for a value that does not fit its field, and NotOwner for a read model that
    this projection does not declare, or that another writes.
    """

    def __init__(self, writer: RowWriter, owned: Collection[type[ReadModel]]) -> None:
        self._writer = writer
        self._owned = owned

    async def insert(self, row: ReadModel, /) -> None:
        """Write the whole row, in place of any that is there."""
        schema_of(type(row)).check(row)
        change = Insert(row)
        if not _joined(change):
            await self._write(change)

    async def update(self, model: type[ReadModel], key: object, /, **fields: object) -> None:
        """Set fields of the row, if it is there."""
        change = Update(model, _key(model, key), schema_of(model).check_fields(fields))
        if not _joined(change):
            await self._write(change)

    async def upsert(self, model: type[ReadModel], key: object = NO_KEY, /, **fields: object) -> None:
        """Set fields of the row, or write a new one of these fields and declared defaults."""
        check_upsert(model, key)
        schema = schema_of(model)
        checked = schema.check_fields(fields)
        change = Upsert(model, key, checked, schema.row({schema.key: key, **fields}))
        if not _joined(change):
            await self._write(change)

    async def delete(self, model: type[ReadModel], key: object, /) -> None:
        """Take the row away, if it is there."""
        change = Delete(model, _key(model, key))
        if not _joined(change):
            await self._write(change)

    async def add(self, model: type[ReadModel], key: object, /, **deltas: object) -> None:
        """Add to numbers; a missing row starts from declared defaults, an undeclared one from 0."""
        schema = schema_of(model)
        _check(schema, schema.summed, deltas)
        change = Accumulate(model, key, schema.blank(key, tuple(deltas)), add=deltas)
        if not _joined(change):
            await self._write(change)

    async def max(self, model: type[ReadModel], key: object, /, **bounds: object) -> None:
        """Raise fields to at least these values; a missing row starts from declared defaults."""
        schema = schema_of(model)
        _check(schema, schema.bounded, bounds)
        change = Accumulate(model, key, schema.blank(key, ()), max=bounds)
        if not _joined(change):
            await self._write(change)

    async def min(self, model: type[ReadModel], key: object, /, **bounds: object) -> None:
        """Lower fields to at most these values; a missing row starts from declared defaults."""
        schema = schema_of(model)
        _check(schema, schema.bounded, bounds)
        change = Accumulate(model, key, schema.blank(key, ()), min=bounds)
        if not _joined(change):
            await self._write(change)

    async def _write(self, change: Change) -> None:
        if change.model in self._owned:
            raise NotOwner(f"{change.model.__name__} is written by a projection: append the events it follows")
        await self._writer.write([change])


def _joined(change: Change) -> bool:
    """Add the change to the running batch; False where none runs."""
    batch = running_batch.get()
    if batch is None:
        return False
    batch.add(change)
    return True


def check_upsert(model: object, key: object) -> None:
    """Raises InvalidMessage for a row, or no key."""
    if key is NO_KEY or isinstance(model, ReadModel):
        raise InvalidMessage(
            "upsert takes a read model, a key and the fields to set, as in upsert(User, key, name=...): "
            "insert(row) replaces the whole row"
        )


def _key(model: type[ReadModel], key: object) -> object:
    schema_of(model).key_scalar(key)
    return key


def _check(schema: Schema, fit: Mapping[str, Callable[[object], Scalar]], values: Mapping[str, object]) -> None:
    """Raises InvalidMessage for a field that cannot be accumulated so, or a value that is not of its kind."""
    for name, value in values.items():
        encode = fit.get(name)
        if encode is None or value is None:
            schema.check_fields({name: value})
            raise InvalidMessage(f"{name!r} of {schema.model.__name__} cannot be accumulated by {shown(value)}")
        encode(value)
