"""The law of free texts: whatever an exception was told is kept, signs that no text can hold as marks."""

from __future__ import annotations

import msgspec

from headwater.ports.conditions import Pause, Trouble
from headwater.ports.engine import Engine
from headwater.ports.journal import Entry
from headwater.ports.place import Place
from headwater.testing.conformance.commits import commit_of, parked_at
from headwater.testing.controls import command_of

__all__ = ["FreeTextsConformance"]

ODD = "a\0b\ud800c ä€😀"
"""As in the error of a handler that met a name of a file."""
KEPT = "a\N{REPLACEMENT CHARACTER}b?c ä€😀"


class FreeTextsConformance:
    """Enrol with the fixture `engine`."""

    async def test_of_a_refused_command(self, engine: Engine) -> None:
        await engine.commands.record(command_of("c1", error=ODD))
        assert [record.error for record in await engine.commands.list(10)] == [KEPT]

    async def test_of_parked_events(self, engine: Engine) -> None:
        parked = msgspec.structs.replace(parked_at(3), error=ODD, trace=ODD)
        await engine.parking.park(parked)
        await engine.projections.commit(commit_of(0, 1, parked=(msgspec.structs.replace(parked, offset=4),)))
        assert [(event.error, event.trace) for event in await engine.parking.parked("p")] == [(KEPT, KEPT)] * 2

    async def test_of_troubles_and_pauses(self, engine: Engine) -> None:
        trouble = Trouble(place=Place("p"), kind="handler", error=ODD, offset=0, since=1, owner=ODD)
        await engine.conditions.report(Place("p"), trouble)
        assert [(each.error, each.owner) for each in await engine.conditions.troubles()] == [(KEPT, KEPT)]
        await engine.conditions.pause(Pause(projection="p", by=ODD, reason=ODD, since=1))
        assert [(each.by, each.reason) for each in await engine.conditions.pauses()] == [(KEPT, KEPT)]

    async def test_of_the_journal(self, engine: Engine) -> None:
        await engine.journal.note(Entry(at=1, by=ODD, action="a", subject=ODD, outcome=ODD, details=ODD))
        (entry,) = await engine.journal.entries()
        assert {entry.by, entry.subject, entry.outcome, entry.details} == {KEPT}
