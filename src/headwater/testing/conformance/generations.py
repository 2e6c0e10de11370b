"""The law of Generations: one is served, one is built beside it, one was served before. For the swap see swaps."""

from __future__ import annotations

import pytest

from headwater.errors import CheckpointConflict, RebuildRefused, UnknownName
from headwater.models.changes import Change, Insert
from headwater.ports.engine import Engine
from headwater.ports.generations import Generation, NewGeneration
from headwater.ports.place import Place
from headwater.testing.clock import START, ManualClock
from headwater.testing.conformance.commits import at, commit_of, parked_at, state_of, totals
from headwater.testing.controls import Remark, Tally, tally

__all__ = ["GenerationsConformance", "begin", "fill", "remark", "standings"]


async def begin(
    engine: Engine, version: int = 1, *, fingerprint: str = "", key_ranges: int = 1, projection: str = "p"
) -> Generation:
    """Begin a generation that writes both read models."""
    wanted = NewGeneration(
        projection=projection, version=version, fingerprint=fingerprint, key_ranges=key_ranges, models=[Tally, Remark]
    )
    return await engine.generations.begin(wanted)


async def fill(
    engine: Engine, generation: int, *changes: Change, start: int = 0, next: int = 5, epoch: int = 1
) -> None:
    """Bring partition 0 of a generation from one offset to another."""
    await engine.projections.commit(commit_of(start, next, *changes, generation=generation, epoch=epoch))


async def standings(engine: Engine, projection: str = "p") -> dict[int, str]:
    """The state of each generation."""
    return {found.number: found.state for found in await engine.generations.all(projection)}


def remark(text: str) -> Change:
    return Insert(Remark(name="r", text=text))


class GenerationsConformance:
    """Enrol with the fixtures `engine` and `clock`."""

    @pytest.fixture(autouse=True)
    async def _tables(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally, Remark])

    # -- begin -------------------------------------------------------------

    async def test_there_are_none_at_first(self, engine: Engine) -> None:
        assert list(await engine.generations.all()) == []
        assert list(await engine.generations.all("p")) == []

    async def test_the_first_one_is_served_at_once(self, engine: Engine, clock: ManualClock) -> None:
        clock.advance(3)
        first = await begin(engine, 4, fingerprint="code", key_ranges=2)
        assert first == Generation(
            projection="p",
            number=0,
            version=4,
            fingerprint="code",
            key_ranges=2,
            state="serving",
            began_at=START + 3_000_000,
        )
        assert list(await engine.generations.all()) == [first]
        await fill(engine, 0, tally("a", 1))
        assert await totals(engine.read_models) == {"a": 1}

    async def test_the_first_one_takes_over_what_was_there_before_it(self, engine: Engine) -> None:
        await fill(engine, 0, tally("a", 1))
        await begin(engine)
        assert await totals(engine.read_models) == {"a": 1}
        assert await at(engine) == (5, 1)
        await fill(engine, 0, tally("a", 2), start=5, next=6)
        assert await totals(engine.read_models) == {"a": 2}

    async def test_another_one_is_built_beside_with_empty_tables(self, engine: Engine) -> None:
        await begin(engine)
        await fill(engine, 0, tally("a", 1))
        second = await begin(engine, 2)
        assert (second.number, second.version, second.state) == (1, 2, "building")
        assert await standings(engine) == {0: "serving", 1: "building"}
        assert await totals(engine.generations.rows("p", 1, [Tally])) == {}
        assert await totals(engine.read_models) == {"a": 1}
        assert await at(engine, generation=1) == (0, 0)

    async def test_they_are_listed_by_projection_and_number(self, engine: Engine) -> None:
        for projection, version in (("q", 1), ("p", 1), ("p", 2)):
            await begin(engine, version, projection=projection)
        listed = [(found.projection, found.number) for found in await engine.generations.all()]
        assert listed == [("p", 0), ("p", 1), ("q", 0)]
        assert [found.projection for found in await engine.generations.all("q")] == ["q"]

    async def test_the_one_being_built_is_resumed(self, engine: Engine, clock: ManualClock) -> None:
        await begin(engine)
        building = await begin(engine, 2, fingerprint="code")
        await fill(engine, 1, tally("a", 1))
        clock.advance(60)
        assert await begin(engine, 2, fingerprint="code") == building
        assert await at(engine, generation=1) == (5, 1)
        assert await totals(engine.generations.rows("p", 1, [Tally])) == {"a": 1}

    async def test_without_beside_none_is_built(self, engine: Engine) -> None:
        wanted = NewGeneration(projection="p", version=2, fingerprint="code", key_ranges=1, models=[Tally, Remark])
        first = await engine.generations.begin(wanted, beside=False)
        assert (first.number, first.state) == (0, "serving")
        await begin(engine, 3)
        for version in (1, 2, 5):
            other = NewGeneration(projection="p", version=version, fingerprint="", key_ranges=2, models=[Tally])
            assert await engine.generations.begin(other, beside=False) == first
        assert await standings(engine) == {0: "serving", 1: "building"}

    async def test_the_version_that_is_served_can_be_built_anew(self, engine: Engine) -> None:
        await begin(engine, 2)
        assert (await begin(engine, 2)).number == 1
        assert await standings(engine) == {0: "serving", 1: "building"}

    async def test_one_of_another_kind_takes_the_place_of_the_one_being_built(self, engine: Engine) -> None:
        await begin(engine)
        await begin(engine, 2, fingerprint="code")
        kinds = [(2, "other", 1), (2, "code", 2), (3, "code", 2)]
        for number, (version, fingerprint, key_ranges) in enumerate(kinds, 2):
            await fill(engine, number - 1, tally("a", 1))
            await engine.parking.park(parked_at(2, generation=number - 1))
            another = await begin(engine, version, fingerprint=fingerprint, key_ranges=key_ranges)
            assert (another.number, another.state) == (number, "building")
            assert await standings(engine) == {0: "serving", number: "building"}
            assert await totals(engine.generations.rows("p", number, [Tally])) == {}
            await self._is_forgotten(engine, number - 1)

    async def test_an_older_version_than_the_one_served_is_refused(self, engine: Engine) -> None:
        await begin(engine, 2)
        await fill(engine, 0, tally("a", 1))
        before = await state_of(engine)
        with pytest.raises(RebuildRefused, match="version 2"):
            await begin(engine, 1)
        assert await state_of(engine) == before

    async def test_an_older_version_than_the_one_being_built_is_refused(self, engine: Engine) -> None:
        await begin(engine, 1)
        await begin(engine, 3)
        await fill(engine, 1, tally("a", 1))
        before = await state_of(engine)
        for version in (1, 2):
            with pytest.raises(RebuildRefused, match="version 3"):
                await begin(engine, version)
        assert await state_of(engine) == before

    # -- commits -----------------------------------------------------------

    async def test_what_is_built_does_not_show_in_queries(self, engine: Engine) -> None:
        await begin(engine)
        await begin(engine, 2)
        await fill(engine, 0, tally("a", 1), remark("old"))
        await fill(engine, 1, tally("a", 2), tally("b", 3), remark("new"))
        assert await totals(engine.read_models) == {"a": 1}
        assert await engine.read_models.get(Remark, "r") == Remark(name="r", text="old")
        built = engine.generations.rows("p", 1, [Tally, Remark])
        assert await totals(built) == {"a": 2, "b": 3}
        assert await built.get(Remark, "r") == Remark(name="r", text="new")

    async def test_generations_are_fenced_apart(self, engine: Engine) -> None:
        await begin(engine)
        await begin(engine, 2)
        await fill(engine, 0, next=5, epoch=9)
        await fill(engine, 1, next=3, epoch=1)
        assert [await at(engine), await at(engine, generation=1)] == [(5, 9), (3, 1)]

    async def test_a_write_goes_to_what_is_served(self, engine: Engine) -> None:
        await begin(engine)
        await begin(engine, 2)
        await engine.projections.write([tally("a", 1)])
        assert await totals(engine.read_models) == {"a": 1}
        assert await totals(engine.generations.rows("p", 1, [Tally])) == {}

    # -- rows --------------------------------------------------------------

    async def test_the_rows_of_the_one_served_are_those_that_queries_see(self, engine: Engine) -> None:
        await fill(engine, 0, tally("a", 1))
        assert await totals(engine.generations.rows("p", 0, [Tally])) == {"a": 1}
        await begin(engine)
        assert await totals(engine.generations.rows("p", 0, [Tally])) == {"a": 1}

    async def test_the_rows_of_none_are_not_found(self, engine: Engine) -> None:
        with pytest.raises(UnknownName):
            await totals(engine.generations.rows("p", 1, [Tally]))

    # -- drop --------------------------------------------------------------

    async def test_what_is_dropped_is_forgotten(self, engine: Engine) -> None:
        await begin(engine)
        await begin(engine, 2)
        await fill(engine, 0, tally("a", 1))
        await fill(engine, 1, tally("a", 2))
        await engine.parking.park(parked_at(2, generation=1))
        await engine.parking.park(parked_at(3))
        assert await engine.generations.drop("p", 1)
        assert not await engine.generations.drop("p", 1)
        assert await standings(engine) == {0: "serving"}
        await self._is_forgotten(engine, 1)
        assert [event.offset for event in await engine.parking.parked("p")] == [3]
        assert [await at(engine), await totals(engine.read_models)] == [(5, 1), {"a": 1}]

    async def test_the_one_served_is_not_dropped(self, engine: Engine) -> None:
        assert not await engine.generations.drop("p", 0)
        await begin(engine)
        await fill(engine, 0, tally("a", 1))
        assert not await engine.generations.drop("p", 0)
        assert not await engine.generations.drop("p", 1)
        assert not await engine.generations.drop("q", 0)
        assert await standings(engine) == {0: "serving"}
        assert await totals(engine.read_models) == {"a": 1}

    async def test_a_number_is_never_used_twice(self, engine: Engine) -> None:
        await begin(engine)
        numbers: list[int] = []
        for _ in range(3):
            numbers.append((await begin(engine, 2)).number)
            assert await engine.generations.drop("p", numbers[-1])
        assert numbers == [1, 2, 3]

    async def _is_forgotten(self, engine: Engine, number: int) -> None:
        with pytest.raises(CheckpointConflict):
            await fill(engine, number, tally("z", 1), start=5, next=6)
        with pytest.raises(CheckpointConflict):
            await engine.projections.checkpoint(Place("p", 0, number))
        assert number not in {kept.place.generation for kept in await engine.projections.checkpoints("p")}
        assert list(await engine.parking.parked("p", generation=number)) == []
        with pytest.raises(UnknownName):
            await totals(engine.generations.rows("p", number, [Tally]))
