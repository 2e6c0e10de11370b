"""Following: what an append does in its transaction once its events are in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from headwater.domain.append import Append, Appended
from headwater.engines.postgres.append_plan import Plan
from headwater.engines.postgres.changes import apply_changes
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.statements import Statements
from headwater.models.changes import Change
from headwater.ports.inline_appends import InlineProjection

__all__ = ["Following"]


class Following:
    """The changes of an append, and the projections that handle its events; nothing where it is refused or repeated."""

    def __init__(self, sql: Statements, append: Append, inline: Sequence[InlineProjection] = ()) -> None:
        self._sql = sql
        self._changes = cast("tuple[Change, ...]", append.changes)
        self._inline = inline

    async def follow(self, connection: Connection, plan: Plan) -> None:
        (outcome,) = plan.outcomes
        if not isinstance(outcome, Appended) or outcome.replayed is not None:
            return
        if self._changes:
            await apply_changes(connection, self._sql, self._changes)
