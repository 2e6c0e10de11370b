"""Notifications: whoever waits is told of another process's commit without a look at the server."""

from __future__ import annotations

import asyncio

import pytest

from headwater.engines.postgres import wakeups
from headwater.testing.controls import ANN, append_of
from tests.engines.postgres.stores import opened
from tests.engines.servers import fresh_schema

LONG = 30.0
"""Seconds that nothing here takes, unless nobody tells."""


async def test_whoever_waits_hears_of_others_commits_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeups, "_POLL", 3_600.0)
    async with fresh_schema() as url, opened(url) as here, opened(url) as there:
        await here.wakeups.wait(here.wakeups.seen(), LONG)  # the first look is over
        for _ in range(3):
            seen = here.wakeups.seen()
            waiting = asyncio.create_task(here.wakeups.wait(seen, LONG))
            await there.events.append(append_of(ANN))
            assert await waiting > seen
