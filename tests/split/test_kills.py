"""Two processes on two stores: one is killed in the middle of a batch, the other goes on, and nothing counts twice."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter

import pytest

from tests.projections.mail import Mailing, Post
from tests.split.conftest import Stores, on_files
from tests.split.dying import LEASE_SECONDS
from tests.split.shop import add, shop, stock, units

EVENTS = 60


@on_files
@pytest.mark.parametrize("last", [1, 24], ids=["in the first batch", "in a later one"])
async def test_killed_in_the_middle_of_a_batch(stores: Stores, last: int) -> None:
    post = Post()
    cqrs = shop(*stores, Mailing(post), batch_size=7, lease_seconds=LEASE_SECONDS)
    await cqrs.initialize(run_projections=False)
    await add(cqrs, EVENTS)
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.split.dying", *stores, str(last), stdout=asyncio.subprocess.PIPE
    )
    mailed = await mailed_until_it_holds(other)
    await cqrs.synchronizer.start()
    other.kill()
    assert await other.wait() == -9
    await add(cqrs, EVENTS)
    await cqrs.synchronizer.caught_up()
    assert await stock(cqrs) == units(2 * EVENTS)
    await cqrs.close()
    assert mailed == [pair for pair in mailed if pair not in post.sent]
    assert Counter(item for item, _ in [*mailed, *post.sent]) == {item: n for item, (n, _) in units(2 * EVENTS).items()}


async def mailed_until_it_holds(other: asyncio.subprocess.Process) -> list[tuple[str, int]]:
    assert other.stdout is not None
    mailed: list[tuple[str, int]] = []
    while (line := (await other.stdout.readline()).split()) != [b"holding"]:
        assert line, "it ended"
        mailed.append((line[0].decode(), int(line[1])))
    return mailed
