"""The law of Conditions: one pause for a projection, one trouble for a place."""

from __future__ import annotations

from headwater.ports.conditions import Pause, Trouble, TroubleKind
from headwater.ports.engine import Engine
from headwater.ports.place import Place

__all__ = ["ConditionsConformance", "trouble_at"]


def trouble_at(place: Place, kind: TroubleKind = "store", failures: int = 1, retry_at: int | None = None) -> Trouble:
    return Trouble(
        place=place,
        kind=kind,
        error="StoreBusy: try later",
        offset=7,
        since=3,
        owner="host:17:worker",
        failures=failures,
        retry_at=retry_at,
    )


class ConditionsConformance:
    """Enrol with the fixture `engine`."""

    async def test_there_are_none_at_first(self, engine: Engine) -> None:
        assert list(await engine.conditions.pauses()) == []
        assert list(await engine.conditions.troubles()) == []

    # -- pauses ------------------------------------------------------------

    async def test_a_pause_comes_back_as_it_is(self, engine: Engine) -> None:
        pause = Pause(projection="p", by="ann", reason="a wrong price", since=9)
        await engine.conditions.pause(pause)
        assert list(await engine.conditions.pauses()) == [pause]

    async def test_pauses_come_by_projection(self, engine: Engine) -> None:
        for projection in ("q", "p", "r"):
            await engine.conditions.pause(Pause(projection=projection))
        assert [pause.projection for pause in await engine.conditions.pauses()] == ["p", "q", "r"]

    async def test_a_new_pause_takes_the_place_of_the_old(self, engine: Engine) -> None:
        await engine.conditions.pause(Pause(projection="p", by="ann", since=1))
        later = Pause(projection="p", by="bob", since=2)
        await engine.conditions.pause(later)
        assert list(await engine.conditions.pauses()) == [later]

    async def test_what_is_resumed_is_paused_no_more(self, engine: Engine) -> None:
        for projection in ("p", "q"):
            await engine.conditions.pause(Pause(projection=projection))
        assert await engine.conditions.resume("p")
        assert not await engine.conditions.resume("p")
        assert not await engine.conditions.resume("r")
        assert [pause.projection for pause in await engine.conditions.pauses()] == ["q"]

    # -- troubles ----------------------------------------------------------

    async def test_a_trouble_comes_back_as_it_is(self, engine: Engine) -> None:
        kinds: list[TroubleKind] = ["store", "log", "handler", "event", "parking", "unexpected"]
        troubles = [
            trouble_at(Place("p", number, 1, 2), kind, failures=number + 1, retry_at=number or None)
            for number, kind in enumerate(kinds)
        ]
        for trouble in troubles:
            await engine.conditions.report(trouble.place, trouble)
        assert list(await engine.conditions.troubles()) == troubles

    async def test_troubles_come_by_place(self, engine: Engine) -> None:
        places = [Place("q"), Place("p", 10), Place("p", 2, 1), Place("p", 2, 0, 1), Place("p", 2)]
        for place in places:
            await engine.conditions.report(place, trouble_at(place))
        assert [trouble.place for trouble in await engine.conditions.troubles()] == sorted(places)

    async def test_a_new_trouble_takes_the_place_of_the_old(self, engine: Engine) -> None:
        place = Place("p")
        await engine.conditions.report(place, trouble_at(place))
        later = trouble_at(place, "log", failures=2, retry_at=5)
        await engine.conditions.report(place, later)
        assert list(await engine.conditions.troubles()) == [later]

    async def test_a_trouble_that_is_over_is_gone(self, engine: Engine) -> None:
        for place in (Place("p"), Place("p", 1)):
            await engine.conditions.report(place, trouble_at(place))
        for _ in range(2):
            await engine.conditions.report(Place("p"), None)
        assert [trouble.place for trouble in await engine.conditions.troubles()] == [Place("p", 1)]
