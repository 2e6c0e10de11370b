"""The checkpoint that an inline append moves is moved by nobody else meanwhile: its epoch never goes back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from headwater.domain.event import StoredEvent
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.following import Following
from headwater.errors import CheckpointConflict
from headwater.models.changes import Change
from headwater.ports.inline_appends import InlineProjection
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint
from headwater.ports.read_models import ReadModels
from headwater.testing.conformance.commits import commit_of
from headwater.testing.conformance.inline_appends import inline
from headwater.testing.controls import ANN, Tally, append_of, tally
from tests.engines.postgres.standing import behind
from tests.engines.postgres.stores import opened
from tests.engines.servers import fresh_schema


async def test_who_takes_a_projection_over_waits_for_an_inline_append(monkeypatch: pytest.MonkeyPatch) -> None:
    session: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    may_go, look = asyncio.Event(), Following._up_to_date

    async def look_and_wait(
        self: Following, connection: Connection, inline: InlineProjection, first: StoredEvent
    ) -> Checkpoint | None:
        kept = await look(self, connection, inline, first)
        session.set_result(cast("int", await connection.fetchval("SELECT pg_backend_pid()")))
        await may_go.wait()
        return kept

    async with fresh_schema(partitions="1", lock_timeout="60", deadline="60") as url, opened(url, Tally) as engine:
        await engine.events.append(append_of(ANN))
        await engine.projections.commit(commit_of(0, 1, epoch=1))
        monkeypatch.setattr(Following, "_up_to_date", look_and_wait)
        projection = InlineProjection("p", (Tally,), count, 1)
        appending = asyncio.create_task(inline(engine).append_inline(append_of(ANN), [projection]))
        waiting = asyncio.create_task(behind(url, await session))
        taking_over = asyncio.create_task(engine.projections.commit(commit_of(1, 1, epoch=2)))
        await asyncio.wait((waiting, taking_over), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        may_go.set()
        await appending
        with pytest.raises(CheckpointConflict):
            await taking_over
        place = Place("p", 0)
        assert await engine.projections.checkpoint(place) == Checkpoint(place=place, offset=2, epoch=1)


async def count(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
    return [tally("n", len(events))]
