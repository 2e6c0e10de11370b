"""Waiting for a projection that ends, or comes to run here, between a look at it and the wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import cast

import pytest
from msgspec.structs import replace

from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionStore
from headwater.projections.reaching import Deadline, reached
from tests.projections.shop import Shop

PLACE = Place("stock", 0, 0, 0)


class LookedAt:
    """A store whose checkpoint stays at 0; right after a look something happens."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    async def checkpoint(self, place: Place) -> Checkpoint:
        asyncio.get_running_loop().call_soon(self._then)
        return Checkpoint(place=place)


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
async def test_who_gives_up_right_after_a_look_is_waited_for_no_longer(shop: Shop) -> None:
    gives_up = partial(shop.parts.arrivals.gave_up, PLACE, ValueError("it is over"))
    parts = replace(shop.parts, store=cast("ProjectionStore", LookedAt(gives_up)))
    assert not await reached(parts, "stock", 0, 1, Deadline(parts, 3600))


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
async def test_who_arrives_right_after_a_look_is_seen(shop: Shop) -> None:
    arrives = partial(shop.parts.arrivals.moved, PLACE, 1, False)
    parts = replace(shop.parts, store=cast("ProjectionStore", LookedAt(arrives)))
    assert await reached(parts, "stock", 0, 1, Deadline(parts, 3600))
