"""The law of Exports: a generation as it was at one moment."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import cast

import pytest

from headwater.errors import UnknownName
from headwater.models.changes import Delete, Insert
from headwater.models.model import Key, ReadModel
from headwater.ports.engine import Engine
from headwater.ports.exports import Exported, Exports
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint
from headwater.testing.conformance.commits import commit_of, parked_at, swap
from headwater.testing.conformance.generations import begin, fill, remark
from headwater.testing.conformance.products import Product
from headwater.testing.controls import Remark, Tally, tally

__all__ = ["ExportsConformance"]


class Day(ReadModel, table="conformance_days"):
    """Keyed by a day."""

    day: Key[date]


class Moment(ReadModel, table="conformance_moments"):
    """Keyed by a time."""

    at: Key[datetime]


ENDS = [
    *[Day(day=day) for day in (date.min, date.max)],
    *[Moment(at=at) for at in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))],
]
"""The first and the last of each."""


def exports(engine: Engine) -> Exports:
    """The engine, for those that honour Exports."""
    assert isinstance(engine, Exports)
    return cast("Exports", engine)


async def exported(engine: Engine, number: int = 0, page: int = 1_000) -> list[list[object]]:
    return [list(part) async for part in exports(engine).export("p", number, [Tally, Remark], page)]


class ExportsConformance:
    """Enrol with the fixture `engine`."""

    @pytest.fixture(autouse=True)
    async def _tables(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally, Remark])

    async def test_checkpoints_come_first_then_rows_by_model_and_key(self, engine: Engine) -> None:
        await fill(engine, 0, remark("last"), tally("c", 3), tally("a", 1), tally("b", 2))
        await engine.projections.commit(commit_of(0, 2, partition=1, effects=1))
        await engine.projections.commit(commit_of(0, 9, projection="q"))
        first, *rest = await exported(engine)
        assert first == [
            Checkpoint(place=Place("p", 0), offset=5, epoch=1),
            Checkpoint(place=Place("p", 1), offset=2, epoch=1, effects=1),
        ]
        names = [Tally(name="a", total=1), Tally(name="b", total=2), Tally(name="c", total=3)]
        assert rest == [names, [Remark(name="r", text="last")]]

    async def test_what_is_parked_comes_before_the_rows(self, engine: Engine) -> None:
        await begin(engine)
        await begin(engine, 2)
        await fill(engine, 0, tally("a", 1))
        events = [parked_at(offset, error=None) for offset in range(3)]
        for event in events:
            await engine.parking.park(event)
        await engine.parking.park(parked_at(0, generation=1))
        _, *pages = await exported(engine, page=2)
        assert pages == [events[:2], events[2:], [Tally(name="a", total=1)]]

    async def test_rows_come_in_pages(self, engine: Engine) -> None:
        await fill(engine, 0, remark("last"), *[tally(f"{number}", number) for number in range(7)])
        _, *pages = await exported(engine, page=3)
        assert [len(page) for page in pages] == [3, 3, 1, 1]
        assert [row.name for page in pages[:3] for row in cast("list[Tally]", page)] == list("0123456")

    async def test_the_first_and_the_last_of_days_and_times_are_keys_like_any_other(self, engine: Engine) -> None:
        models: list[type[ReadModel]] = [Day, Moment]
        await engine.read_model_schema.ensure(models)
        await engine.projections.write(list(map(Insert, ENDS)))
        found: list[object] = []
        async for page in exports(engine).export("p", 0, models, 1):
            found += page
            assert len(found) <= len(ENDS)  # else it may not end
        assert found == ENDS

    async def test_an_empty_generation_has_no_rows(self, engine: Engine) -> None:
        assert await exported(engine) == [[]]

    async def test_it_is_of_the_generation_asked_for(self, engine: Engine) -> None:
        await begin(engine)
        await begin(engine, 2)
        await fill(engine, 0, tally("a", 1))
        await fill(engine, 1, tally("a", 2))
        for served in (1, 0):
            for number in (0, 1):
                [checkpoint], rows = await exported(engine, number)
                assert cast("Checkpoint", checkpoint).place.generation == number
                assert rows == [Tally(name="a", total=number + 1)]
            await swap(engine, "p", served)

    async def test_it_is_of_one_moment_and_keeps_no_writer_waiting(self, engine: Engine) -> None:
        await fill(engine, 0, *[tally(f"{number}", 1) for number in range(4)], remark("old"))
        seen: list[Exported] = []
        async for part in exports(engine).export("p", 0, [Tally, Remark], 1):
            if not seen:
                await fill(engine, 0, tally("2", 9), Delete(Tally, "3"), tally("4", 9), remark("new"), start=5, next=9)
            seen.append(part)
        rows = [Tally(name=f"{number}", total=1) for number in range(4)]
        assert [list(part) for part in seen[1:]] == [[row] for row in [*rows, Remark(name="r", text="old")]]
        assert [cast("Checkpoint", kept).offset for kept in seen[0]] == [5]

    async def test_one_that_is_left_early_harms_nobody(self, engine: Engine) -> None:
        await fill(engine, 0, *[tally(f"{number}", 1) for number in range(4)])
        async for _ in exports(engine).export("p", 0, [Tally], 1):
            break
        await fill(engine, 0, tally("0", 2), start=5, next=6)
        assert (await exported(engine))[1][0] == Tally(name="0", total=2)

    async def test_a_model_without_a_table_is_not_known(self, engine: Engine) -> None:
        with pytest.raises(UnknownName):
            _ = [part async for part in exports(engine).export("p", 0, [Tally, Product])]
