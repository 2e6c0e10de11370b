"""The law of `Engine.follow`: a read side follows one log for good."""

from __future__ import annotations

import pytest

from headwater.errors import StoreMismatch
from headwater.ports.engine import Engine
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit

__all__ = ["BondsConformance"]


class BondsConformance:
    """Enrol with the fixture `engine`."""

    async def test_a_read_side_follows_its_own_log(self, engine: Engine) -> None:
        own = (await engine.open()).store_id
        await engine.follow(own)
        await engine.follow(own)
        with pytest.raises(StoreMismatch, match=own):
            await engine.follow("another")

    async def test_or_the_log_of_another_store_and_no_other_any_more(self, engine: Engine) -> None:
        await engine.follow("another")
        await engine.follow("another")
        for other in ("a third", (await engine.open()).store_id):
            with pytest.raises(StoreMismatch, match="another"):
                await engine.follow(other)

    async def test_checkpoints_that_are_there_are_those_of_its_own_log(self, engine: Engine) -> None:
        await engine.projections.commit(ProjectionCommit(place=Place("p"), epoch=1, start=0, next=3))
        with pytest.raises(StoreMismatch):
            await engine.follow("another")
        await engine.follow((await engine.open()).store_id)
