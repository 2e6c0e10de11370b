"""A read model whose class has changed: refused at start-up, rebuilt by the command that the refusal names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headwater.domain.aggregate import Aggregate
from headwater.domain.event import Recorded
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.errors import StoreMismatch
from headwater.manager import CQRSManager
from headwater.models.model import Key, ReadModel, Searchable
from headwater.projections.handler import ProjectionHandler
from headwater.read_models.views import Views


class Made(Event, name="ChangedClassMade"):
    text: str


class Thing(Aggregate, category="thing"):
    @on(Made)
    def made(self, e: Made) -> None: ...


class Old(ReadModel, table="things"):
    id: Key[str]
    text: Searchable[str]
    spare: int = 0


class Retyped(ReadModel, table="things"):
    id: Key[str]
    text: Searchable[str]
    spare: str = ""


class Removed(ReadModel, table="things"):
    id: Key[str]
    text: str


class Plain(ReadModel, table="things"):
    """Without what can be searched; from here to `Old` there is no search index to empty."""

    id: Key[str]
    text: str
    spare: int = 0


class Beside(ReadModel, table="beside"):
    id: Key[str]


def application(path: Path, model: type[Any]) -> CQRSManager:
    class Things(ProjectionHandler, writes=[model], name="things"):
        @on(Made)
        async def made(self, e: Recorded[Made], views: Views) -> None:
            await views.insert(model(id=e.stream, text=e.data.text))

    class Besides(ProjectionHandler, writes=[Beside], name="besides"):
        @on(Made)
        async def made(self, e: Recorded[Made], views: Views) -> None:
            await views.insert(Beside(id=e.stream))

    return CQRSManager(f"sqlite:///{path}/things.db", projections=[Things(), Besides()])


async def filled(path: Path, model: type[Any]) -> None:
    async with application(path, model) as cqrs:
        await cqrs.repository(Thing).save(Thing.new("t1", Made(text="hello")))
        await cqrs.synchronizer.caught_up()


CHANGES = [(Old, Retyped), (Old, Removed), (Old, Plain), (Plain, Old)]


@pytest.mark.parametrize(("before", "after"), CHANGES)
async def test_it_is_refused_until_it_is_rebuilt(tmp_path: Path, before: type[Any], after: type[Any]) -> None:
    await filled(tmp_path, before)
    for run_projections in (True, False):
        with pytest.raises(StoreMismatch, match=r"`headwater projections rebuild things`.*rebuilding=True"):
            await application(tmp_path, after).initialize(run_projections=run_projections)
    cqrs = application(tmp_path, after)
    await cqrs.initialize(rebuilding=True)
    assert (await cqrs.synchronizer.rebuild_read_model(after)).finished
    await cqrs.close()
    async with application(tmp_path, after) as again:
        assert await again.read_models.find(after) == [after(id="thing-t1", text="hello")]
        assert await again.read_models.count(Beside) == 1


async def test_while_rebuilding_no_projection_runs(tmp_path: Path) -> None:
    cqrs = application(tmp_path, Old)
    await cqrs.initialize(run_projections=True, rebuilding=True)
    assert {status.running for status in await cqrs.synchronizer.status()} == {False}
    assert await cqrs.read_models.count(Old) == 0
    await cqrs.close()


async def test_from_a_later_event_the_tables_must_fit(tmp_path: Path) -> None:
    await filled(tmp_path, Old)
    cqrs = application(tmp_path, Removed)
    await cqrs.initialize(rebuilding=True)
    with pytest.raises(StoreMismatch, match="projections rebuild things"):
        await cqrs.synchronizer.rebuild_read_model(Removed, from_event=1)
    await cqrs.close()


async def test_what_no_projection_fills_must_fit_while_rebuilding(tmp_path: Path) -> None:
    async with CQRSManager(f"sqlite:///{tmp_path}/things.db", read_models=[Old]):
        pass
    with pytest.raises(StoreMismatch):
        await CQRSManager(f"sqlite:///{tmp_path}/things.db", read_models=[Removed]).initialize(rebuilding=True)
