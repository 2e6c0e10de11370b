"""The law of CommandLog: the first outcome of a command id stays, a refused one makes way."""

from __future__ import annotations

import pytest

from headwater.domain.append import Appended, Written
from headwater.domain.version import Exact, NoStream
from headwater.errors import IdempotencyMismatch, InvalidVersion
from headwater.ports.engine import Engine
from headwater.testing.clock import START, ManualClock
from headwater.testing.controls import ANN, BOB, append_of, command_of, contents

__all__ = ["CommandLogConformance"]


class CommandLogConformance:
    """Enrol with the fixtures `engine` and `clock`."""

    async def test_an_unknown_id_has_no_record(self, engine: Engine) -> None:
        assert await engine.commands.find("c1") is None
        assert list(await engine.commands.list(10)) == []

    async def test_an_append_records_its_command(self, engine: Engine, clock: ManualClock) -> None:
        clock.advance(2)
        await engine.events.append(append_of(ANN, 2, command=command_of("c1")))
        record = await engine.commands.find("c1")
        assert record is not None
        assert (record.id, record.name, record.result, record.error) == ("c1", "Note", b'"done"', None)
        assert record.writes == (Written("user-ann", 1, 2),)
        assert record.timestamp == START + 2_000_000

    async def test_the_same_command_returns_its_first_outcome(self, engine: Engine) -> None:
        first = await engine.events.append(append_of(ANN, 2, NoStream(), command=command_of("c1")))
        await engine.events.append(append_of(ANN, 3))
        before = await contents(engine)
        again = await engine.events.append(append_of(ANN, 2, NoStream(), command=command_of("c1")))
        assert again == Appended(first.writes, replayed=await engine.commands.find("c1"))
        assert await contents(engine) == before

    async def test_the_first_outcome_is_returned_whatever_the_second_would_write(self, engine: Engine) -> None:
        first = await engine.events.append(append_of(ANN, 1, command=command_of("c1")))
        again = await engine.events.append(append_of(BOB, 3, Exact(9), command=command_of("c1")))
        assert again.writes == first.writes
        assert await engine.events.head(BOB) == 0

    async def test_another_payload_under_the_same_id_is_refused(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, command=command_of("c1", "this")))
        before = await contents(engine)
        with pytest.raises(IdempotencyMismatch) as caught:
            await engine.events.append(append_of(ANN, command=command_of("c1", "that")))
        assert caught.value.command_id == "c1"
        assert await contents(engine) == before

    async def test_a_refused_command_is_kept_and_replaced_when_it_commits(self, engine: Engine) -> None:
        await engine.commands.record(command_of("c1", error="TooLate: come earlier"))
        await engine.commands.record(command_of("c1", error="TooSoon: come later"))
        refused = await engine.commands.find("c1")
        assert refused is not None
        assert refused.error == "TooSoon: come later"
        done = await engine.events.append(append_of(ANN, command=command_of("c1")))
        assert done.replayed is None
        committed = await engine.commands.find("c1")
        assert committed is not None
        assert (committed.error, committed.writes) == (None, (Written("user-ann", 1, 1),))
        assert len(await engine.commands.list(10)) == 1

    async def test_a_committed_record_is_never_changed(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, command=command_of("c1")))
        before = await engine.commands.find("c1")
        await engine.commands.record(command_of("c1", error="TooLate: come earlier"))
        assert await engine.commands.find("c1") == before

    async def test_the_newest_are_listed_first(self, engine: Engine, clock: ManualClock) -> None:
        for number in range(3):
            await engine.events.append(append_of(ANN, command=command_of(f"c{number}")))
            clock.advance(1)
        listed = [record.id for record in await engine.commands.list(10)]
        assert listed == ["c2", "c1", "c0"]
        assert [record.id for record in await engine.commands.list(2)] == ["c2", "c1"]
        assert [record.id for record in await engine.commands.list(1)] == ["c2"]
        assert list(await engine.commands.list(0)) == []
        with pytest.raises(InvalidVersion):
            await engine.commands.list(-1)

    async def test_a_list_may_ask_for_a_name_and_an_outcome(self, engine: Engine, clock: ManualClock) -> None:
        await engine.events.append(append_of(ANN, command=command_of("c1", name="Open")))
        clock.advance(1)
        await engine.events.append(append_of(ANN, command=command_of("c2", name="Close")))
        clock.advance(1)
        await engine.commands.record(command_of("c3", name="Open", error="TooLate: closed"))
        listed = engine.commands.list
        assert [record.id for record in await listed(10, "Open")] == ["c3", "c1"]
        assert [record.id for record in await listed(10, refused=True)] == ["c3"]
        assert [record.id for record in await listed(10, refused=False)] == ["c2", "c1"]
        assert [record.id for record in await listed(10, "Open", refused=False)] == ["c1"]
        assert [record.id for record in await listed(1, "Open")] == ["c3"]
        assert list(await listed(10, "Ope")) == []

    async def test_all_come_in_the_order_they_were_kept(self, engine: Engine) -> None:
        for number in range(3):
            await engine.events.append(append_of(ANN, command=command_of(f"c{9 - number}")))
        await engine.commands.record(command_of("r", error="TooLate: come earlier"))
        await engine.commands.record(command_of("a", error="TooLate: come earlier"))
        await engine.commands.record(command_of("r", error="TooSoon: come later"))
        pages = [[record.id for record in page] async for page in engine.commands.all(2)]
        assert pages == [["c9", "c8"], ["c7", "a"], ["r"]]
        assert [record async for page in engine.commands.all() for record in page] == [
            await engine.commands.find(id) for id in ("c9", "c8", "c7", "a", "r")
        ]
        with pytest.raises(InvalidVersion):
            [page async for page in engine.commands.all(0)]
