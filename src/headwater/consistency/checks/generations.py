"""Comparison of two generations: every row of one against every row of the other, a page of each in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from headwater.consistency.checks.check import Inconsistency
from headwater.models.criteria import All, Compare, Criteria
from headwater.models.fields import Scalar
from headwater.models.hashing import row_hash
from headwater.models.model import ReadModel, Schema, schema_of
from headwater.models.selection import Selection
from headwater.ports.read_models import ReadModels

__all__ = ["differences"]

_PAGE = 1_000


async def differences(
    old: ReadModels, new: ReadModels, models: Sequence[type[ReadModel]], page: int = _PAGE
) -> AsyncIterator[Inconsistency]:
    """Rows that only one has, and rows that differ; by model and key.

    `old` and `new` are `Generations.rows`; both should have come to the same offsets and stand there meanwhile.
    """
    for model in models:
        schema = schema_of(model)
        left, right = _keyed(old, schema, page), _keyed(new, schema, page)
        mine, theirs = await anext(left, None), await anext(right, None)
        while mine is not None or theirs is not None:
            if theirs is None or (mine is not None and _less(mine[0], theirs[0])):
                assert mine is not None
                yield Inconsistency("only the old generation has this row", f"{schema.table} {mine[1]}")
                mine = await anext(left, None)
            elif mine is None or _less(theirs[0], mine[0]):
                yield Inconsistency("only the new generation has this row", f"{schema.table} {theirs[1]}")
                theirs = await anext(right, None)
            else:
                if mine[2] != theirs[2]:
                    yield Inconsistency("this row differs between the generations", f"{schema.table} {mine[1]}")
                mine, theirs = await anext(left, None), await anext(right, None)


async def _keyed(rows: ReadModels, schema: Schema, page: int) -> AsyncIterator[tuple[Scalar, object, bytes]]:
    """The scalar of the key, the key, and the hash of each row, by key."""
    criteria: Criteria = All()
    while found := await rows.find(schema.model, Selection(criteria=criteria, limit=page)):
        for row in found:
            key = schema.key_of(row)
            yield schema.key_scalar(key), key, row_hash(row)
        criteria = Compare(schema.key, ">", schema.key_of(found[-1]))


def _less(one: Scalar, other: Scalar) -> bool:
    """Scalars of one field compare as its values do."""
    return one < other  # type: ignore[operator]  # both of one kind, and keys are never null
