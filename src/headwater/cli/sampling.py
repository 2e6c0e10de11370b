"""Sampling: one share of a projection's keys in place of all of them."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable

import msgspec

from headwater.consistency.checks.check import ConsistencyCheck, Part, PartwiseCheck
from headwater.consistency.checks.rows import RowHashes
from headwater.manager import CQRSManager
from headwater.models.model import ReadModel

__all__ = ["OneShare", "sampled"]


class OneShare:
    """The rows of about `sample` keys, others each time, of a check that deals keys into shares."""

    def __init__(self, check: PartwiseCheck, cqrs: CQRSManager, models: Iterable[type[ReadModel]], sample: int) -> None:
        self._check = check
        self._cqrs = cqrs
        self._models = list(models)
        self._sample = sample

    async def part(self, cursor: str) -> Part:
        """The one there is: `cursor` may be that of an earlier look, to look at the same share."""
        return msgspec.structs.replace(await self._check.part(cursor or await self._drawn()), next=None)

    async def _drawn(self) -> str:
        rows = sum([await self._cqrs.read_models.count(model) for model in self._models])
        shares = max(1, math.ceil(rows / self._sample))
        return f"{secrets.randbelow(shares)}/{shares}"


def sampled(checks: Iterable[ConsistencyCheck], cqrs: CQRSManager, sample: int) -> list[ConsistencyCheck]:
    """The same, the built-in ones of rows looking at one share each."""
    projections = {f"rows_{name}": p for name, p in cqrs.synchronizer.projections.items()}
    return [
        msgspec.structs.replace(check, check=OneShare(check.check, cqrs, projections[check.name].writes, sample))
        if check.name in projections and isinstance(check.check, RowHashes)
        else check
        for check in checks
    ]
