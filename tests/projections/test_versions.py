"""Versions of a projection: the new one is built beside the old release, served when it has caught up, and undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.domain.aggregate import Aggregate
from headwater.domain.event import Recorded
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.errors import BadDeclaration, ProjectionOutdated, RebuildRefused, ViewNotReady
from headwater.manager import CQRSManager
from headwater.models.model import Key, ReadModel
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import RunnerOptions
from headwater.read_models.views import Views

OPTIONS = RunnerOptions(watch_seconds=0.1)


class Said(Event, name="VersionsSaid"):
    text: str


class Speech(Aggregate, category="speech"):
    @on(Said)
    def said(self, e: Said) -> None: ...


class Length(ReadModel, table="speeches"):
    id: Key[str]
    length: int


class Words(ReadModel, table="speeches"):
    """What `Length` cannot hold."""

    id: Key[str]
    words: list[str]


class Lengths(ProjectionHandler, writes=[Length], name="speeches"):
    @on(Said)
    async def said(self, e: Recorded[Said], views: Views) -> None:
        await views.insert(Length(id=e.stream, length=len(e.data.text)))


class Wordings(ProjectionHandler, writes=[Words], name="speeches", version=2):
    @on(Said)
    async def said(self, e: Recorded[Said], views: Views) -> None:
        await views.insert(Words(id=e.stream, words=e.data.text.split()))


def release(path: Path, handler: ProjectionHandler) -> CQRSManager:
    return CQRSManager(f"sqlite:///{path}/speeches.db", projections=[handler], runner=OPTIONS)


async def say(cqrs: CQRSManager, number: int) -> None:
    await cqrs.repository(Speech).save(Speech.new(f"s{number}", Said(text=f"one two {number}")))


async def served(cqrs: CQRSManager, version: int) -> None:
    """Until this version is served, in the eyes of the store and of this application."""
    wakeups = cqrs.engine.wakeups
    while True:
        seen = wakeups.seen()
        if any(s.running and s.version == version for s in await cqrs.synchronizer.status() if s.state == "serving"):
            return
        await wakeups.wait(seen, 0.05)


async def test_a_new_version_is_built_beside_the_old_release_and_then_served(tmp_path: Path) -> None:
    async with release(tmp_path, Lengths()) as old:
        for number in range(20):
            await say(old, number)
        await old.synchronizer.caught_up()
        async with release(tmp_path, Wordings()) as new:
            await served(new, 2)
            await say(old, 20)
            await new.synchronizer.caught_up()
            assert await new.read_models.count(Words) == 21
            assert (await new.read_models.find(Words, id="speech-s20"))[0].words == ["one", "two", "20"]
            assert {status.condition for status in await old.synchronizer.status()} <= {"kept", "elsewhere", "outdated"}


async def test_until_it_is_served_the_new_release_says_that_it_is_not_ready(tmp_path: Path) -> None:
    async with release(tmp_path, Lengths()) as old:
        await say(old, 1)
        await old.synchronizer.caught_up()
    new = release(tmp_path, Wordings())
    await new.initialize(run_projections=False)
    with pytest.raises(ViewNotReady, match="earlier version until the one this code declares"):
        await new.read_models.count(Words)
    await new.synchronizer.rebuild_read_model(Words)
    assert await new.read_models.count(Words) == 1
    await new.close()


async def test_a_version_that_goes_down_is_refused_and_switching_back_makes_way(tmp_path: Path) -> None:
    async with release(tmp_path, Lengths()) as old:
        await say(old, 1)
        await old.synchronizer.caught_up()
    async with release(tmp_path, Wordings()) as new:
        await served(new, 2)
        await say(new, 2)
        await new.synchronizer.caught_up()
    back = release(tmp_path, Lengths())
    with pytest.raises(ProjectionOutdated, match="switch-back"):
        await back.initialize()
    await back.initialize(rebuilding=True)
    assert (await back.synchronizer.switch_back(Lengths)).version == 1
    await back.close()
    async with release(tmp_path, Lengths()) as again:
        await again.synchronizer.caught_up()
        assert await again.read_models.count(Length) == 2


async def test_a_release_that_was_switched_back_from_does_not_build_its_version_again(tmp_path: Path) -> None:
    async with release(tmp_path, Lengths()) as old:
        await say(old, 1)
        await old.synchronizer.caught_up()
    async with release(tmp_path, Wordings()) as new:
        await served(new, 2)
        await new.synchronizer.switch_back(Words)
        async with release(tmp_path, Lengths()) as back:
            await say(back, 2)
            await back.synchronizer.caught_up()
            assert await back.read_models.count(Length) == 2
        states = {g.version: g.state for g in await new.engine.generations.all()}
        assert states == {1: "serving", 2: "previous"}
        assert {status.condition for status in await new.synchronizer.status()} == {"outdated", "kept"}
        await new.synchronizer.switch_back(Words)
        await new.synchronizer.caught_up()
        assert await new.read_models.count(Words) == 2


async def test_there_is_a_way_back_only_to_what_is_kept(tmp_path: Path) -> None:
    async with release(tmp_path, Lengths()) as cqrs:
        with pytest.raises(RebuildRefused, match="no earlier generation"):
            await cqrs.synchronizer.switch_back(Length)
        await cqrs.synchronizer.rebuild_read_model(Length)
        assert await cqrs.synchronizer.drop_previous(Length)
        assert not await cqrs.synchronizer.drop_previous(Length)


async def test_other_key_ranges_are_another_version(tmp_path: Path) -> None:
    class Ranged(ProjectionHandler, writes=[Length], name="speeches", key=lambda e: e.stream, key_ranges=3):
        @on(Said)
        async def said(self, e: Recorded[Said], views: Views) -> None: ...

    async with release(tmp_path, Lengths()):
        pass
    with pytest.raises(BadDeclaration, match="raise version="):
        await release(tmp_path, Ranged()).initialize()
