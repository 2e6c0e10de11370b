"""Where an append lies is remembered for who waits for it, and only once it is committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.domain.append import Written
from headwater.engines.sql.places import Places
from headwater.engines.sqlite import open_engine
from headwater.errors import DuplicateEventId, StoreClosed
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, BOB, append_of


def test_the_oldest_is_forgotten() -> None:
    places = Places()
    for version in range(1, 1_502):
        places.remember([Written("user-ann", version, version)], [(3, version + 10)])
    assert places.find("user-ann", 1_501) == (3, 1_511)
    assert places.find("user-ann", 1) is None
    assert places.find("user-bob", 1_501) is None


async def test_what_was_rolled_back_has_no_place(path: Path) -> None:
    url = f"sqlite:///{path}"
    here, there = open_engine(url, EngineOptions()), open_engine(url, EngineOptions())
    await here.open()
    await there.open()
    first = append_of(ANN, 1)
    await here.events.append(first)
    with pytest.raises(DuplicateEventId):
        await here.events.append(append_of(BOB, events=(*append_of(BOB, 2).writes[0].events, *first.writes[0].events)))
    await there.events.append(append_of(ANN, 1))
    await there.events.append(append_of(BOB, 3))
    for engine in (here, there):
        assert await engine.log.offset_of(str(ANN), 1) == (0, 0)
        assert await engine.log.offset_of(str(BOB), 3) == (0, 4)
        assert await engine.log.offset_of(str(BOB), 4) is None
        await engine.close()
        with pytest.raises(StoreClosed):
            await engine.log.offset_of(str(ANN), 1)
