"""Sub-rows as they are stored: a row of the table each, every cell of it written at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from headwater.engines.cassandra.rows.cells import BLANKS, LONGEST_KEY, cell_of, is_short_key, type_of
from headwater.engines.cassandra.rows.sub_row import SubRow, merged
from headwater.engines.cassandra.rows.table import OWN_COLUMNS, Table
from headwater.engines.cassandra.session import Row
from headwater.errors import InvalidMessage
from headwater.models.changes import Accumulate
from headwater.models.evaluate import Row as Scalars
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel

__all__ = ["merged_scalars", "parameters_of", "sub_row_of"]

_Own = tuple[int, int, bool, int, int, str, bytes]
"""The cells of `OWN_COLUMNS`."""
_LONGEST_INDEXED = 8_192
"""Bytes of UTF-8."""


class _Relative(msgspec.Struct, array_like=True):
    """What a sub-row adds, as scalars by name."""

    missing: dict[str, object]
    add: dict[str, object] = {}
    max: dict[str, object] = {}
    min: dict[str, object] = {}


def sub_row_of(table: Table, row: Row) -> SubRow:
    """Of the columns of `Table.get`."""
    width = len(table.schema.names)
    part, replayed, live, included, turn, nulls, relative = cast("_Own", row[width : width + len(OWN_COLUMNS)])
    return SubRow(
        part=part,
        replayed=replayed,
        included=included,
        turn=turn,
        row=table.schema.to_row(table.read_scalars(row[:width], nulls)) if live else None,
        relative=_accumulate(table, row[table.key_place], relative) if relative else None,
    )


def merged_scalars(table: Table, rows: Sequence[Row]) -> Scalars | None:
    """The row of all its sub-rows; None where it was deleted. Raises InvalidMessage for a sum out of range."""
    if len(rows) == 1:
        [row] = rows
        width = len(table.schema.names)
        _, _, live, _, _, nulls, _ = cast("_Own", row[width : width + len(OWN_COLUMNS)])
        return table.read_scalars(row[:width], nulls) if live else None
    found = merged([sub_row_of(table, row) for row in rows])
    return None if found is None else table.schema.to_scalars(found)


def parameters_of(table: Table, key: Scalar, before: ReadModel | None, after: SubRow) -> dict[str, object]:
    """The values of `Table.write` and `write_if` for a sub-row, given the row it was.

    Raises InvalidMessage for a value that does not fit its field, or is too long for an index.
    """
    schema = table.schema
    scalars = schema.to_scalars(after.row) if after.row is not None else (None,) * len(schema.names)
    was = scalars if before is None else schema.to_scalars(before)
    values: dict[str, object] = {"key": key, "part": after.part, "replayed": after.replayed}
    nulls: list[str] = []
    for at, (name, field) in enumerate(schema.fields.items()):
        if name == schema.key:
            continue
        if scalars[at] is not None:
            values[f"f{at}"] = cell_of(field, scalars[at])
            continue
        nulls.append(name)
        if was[at] is not None:
            values[f"f{at}"] = BLANKS[type_of(field)]
    relative = b"" if after.relative is None else _stored(table, after.relative)
    values |= {"live": after.row is not None, "included": after.included, "turn": after.turn}
    values |= {"nulls": ",".join(nulls) if after.row is not None else "", "relative": relative}
    _check_lengths(table, key, scalars)
    return values


def _check_lengths(table: Table, key: Scalar, scalars: Scalars) -> None:
    name = table.schema.model.__name__
    if not is_short_key(key):
        raise InvalidMessage(f"a key of {name} is too long: it takes {LONGEST_KEY:,} bytes")
    for at, field in table.indexed_texts:
        text = scalars[at]
        if isinstance(text, str) and len(text) > _LONGEST_INDEXED // 4 and len(text.encode()) > _LONGEST_INDEXED:
            raise InvalidMessage(
                f"{name}.{field} is too long for an index, which takes {_LONGEST_INDEXED:,} bytes: index another field"
            )


def _stored(table: Table, relative: Accumulate) -> bytes:
    fields = table.schema.fields

    def scalars(values: dict[str, object]) -> dict[str, object]:
        return {name: fields[name].to_scalar(value) for name, value in values.items()}

    missing: dict[str, object] = dict(zip(table.schema.names, table.schema.to_scalars(relative.missing), strict=True))
    return msgspec.msgpack.encode(
        _Relative(missing, scalars(relative.add), scalars(relative.max), scalars(relative.min))
    )


def _accumulate(table: Table, key: object, stored: bytes) -> Accumulate:
    schema = table.schema
    kept = msgspec.msgpack.decode(stored, type=_Relative)

    def values(scalars: dict[str, object]) -> dict[str, object]:
        known = [(name, scalar) for name, scalar in scalars.items() if name in schema.fields]
        return {name: schema.fields[name].to_value(cast("Scalar", scalar)) for name, scalar in known}

    missing = schema.model(**values(kept.missing))
    key_value = schema.fields[schema.key].to_value(cast("Scalar", key))
    return Accumulate(schema.model, key_value, missing, values(kept.add), values(kept.max), values(kept.min))
