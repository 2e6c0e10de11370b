"""The law of AtomicAppends: several streams, checks, a command and changes, all or nothing."""

from __future__ import annotations

import pytest

from headwater.domain.append import Append, Appended, Check, UniqueKey, Write, Written
from headwater.domain.version import Exact, Exists, NoStream
from headwater.errors import (
    DuplicateEventId,
    IdempotencyMismatch,
    InvalidMessage,
    LimitExceeded,
    UniqueKeyTaken,
    WrongExpectedVersion,
)
from headwater.models.changes import Change
from headwater.ports.engine import Engine
from headwater.testing.controls import (
    ANN,
    BOB,
    MAIL,
    TOO_MUCH,
    Tally,
    append_of,
    atomic,
    command_of,
    contents,
    events_of,
    new_event,
    tally,
    write_of,
)

__all__ = ["AtomicAppendsConformance"]

FITTING = tally("fitting", 2)


def full_append(
    *writes: Write,
    checks: tuple[Check, ...] = (),
    command: str = "c1",
    payload: str = "",
    change: Change = FITTING,
) -> Append:
    """An append of everything an append can hold: what is refused must leave no part of it."""
    return Append(
        writes=writes or (write_of(ANN, 2, claims=(MAIL,)), write_of(BOB)),
        checks=checks,
        command=command_of(command, payload),
        changes=(tally("committed", 1), change),
    )


class AtomicAppendsConformance:
    """Enrol with the fixture `engine`, whose `events` are AtomicAppends."""

    async def test_every_part_is_committed(self, engine: Engine) -> None:
        await engine.read_model_schema.ensure([Tally])
        done = await atomic(engine).append_atomic(full_append())
        assert done == Appended((Written("user-ann", 1, 2), Written("user-bob", 1, 1)))
        assert [await engine.events.head(stream) for stream in (ANN, BOB)] == [2, 1]
        assert await engine.unique_keys.holder(MAIL) == "user-ann"
        assert await engine.read_models.get(Tally, "committed") == Tally(name="committed", total=1)
        record = await engine.commands.find("c1")
        assert record is not None
        assert record.writes == done.writes

    async def test_a_command_without_events_is_recorded(self, engine: Engine) -> None:
        assert await atomic(engine).append_atomic(Append(writes=(), command=command_of("c1"))) == Appended(())
        again = await atomic(engine).append_atomic(Append(writes=(), command=command_of("c1")))
        assert again.replayed == await engine.commands.find("c1")

    async def test_nothing_at_all_is_refused(self, engine: Engine) -> None:
        with pytest.raises(InvalidMessage):
            await atomic(engine).append_atomic(Append(writes=()))

    async def test_a_check_that_holds_lets_the_append_pass_and_writes_nothing(self, engine: Engine) -> None:
        await engine.events.append(append_of(BOB, 2))
        checks = (Check(BOB, Exact(2)), Check(BOB, Exists()))
        await atomic(engine).append_atomic(Append(writes=(write_of(ANN),), checks=checks))
        assert [await engine.events.head(stream) for stream in (ANN, BOB)] == [1, 2]

    async def test_a_check_looks_at_the_streams_before_the_append(self, engine: Engine) -> None:
        await atomic(engine).append_atomic(Append(writes=(write_of(ANN, 3),), checks=(Check(ANN, NoStream()),)))
        assert await engine.events.head(ANN) == 3

    async def test_a_key_moves_between_two_streams_of_one_append(self, engine: Engine) -> None:
        await engine.events.append(append_of(BOB, claims=(MAIL,)))
        writes = (write_of(ANN, claims=(MAIL,)), write_of(BOB, releases=(MAIL,)))
        await atomic(engine).append_atomic(Append(writes=writes))
        assert await engine.unique_keys.holder(MAIL) == "user-ann"

    async def test_an_append_that_is_refused_leaves_no_part(self, engine: Engine) -> None:
        other = UniqueKey("user-email", "bob@example.com")
        taken = new_event()
        await engine.read_model_schema.ensure([Tally])
        await engine.events.append(append_of(BOB, [taken], claims=(other,), command=command_of("old")))
        ann = write_of(ANN, 2, NoStream(), claims=(MAIL,))
        refused: list[tuple[type[Exception], Append]] = [
            (WrongExpectedVersion, full_append(ann, write_of(BOB, 1, NoStream()))),
            (WrongExpectedVersion, full_append(ann, checks=(Check(BOB, Exact(2)),))),
            (UniqueKeyTaken, full_append(ann, write_of(BOB, claims=(MAIL,)))),
            (UniqueKeyTaken, full_append(write_of(BOB, releases=(MAIL,)), write_of(ANN, claims=(MAIL, other)))),
            (DuplicateEventId, full_append(ann, write_of(BOB, [taken]))),
            (IdempotencyMismatch, full_append(ann, command="old", payload="another")),
            (InvalidMessage, full_append(ann, write_of(ANN))),
            (InvalidMessage, full_append(ann, write_of(BOB, 0))),
            (InvalidMessage, full_append(ann, change=TOO_MUCH)),
            (LimitExceeded, full_append(ann, write_of(BOB, 1_000))),
        ]
        before = await contents(engine, MAIL, other)
        for error, append in refused:
            with pytest.raises(error):
                await atomic(engine).append_atomic(append)
            assert await contents(engine, MAIL, other) == before, error

    async def test_of_several_reasons_the_first_counts(self, engine: Engine) -> None:
        taken = new_event()
        await engine.read_model_schema.ensure([Tally])
        await engine.events.append(append_of(BOB, [taken], claims=(MAIL,), command=command_of("old")))
        writes = {
            LimitExceeded: write_of(ANN, [taken, *events_of(1_000)], Exact(7), claims=(MAIL,)),
            IdempotencyMismatch: write_of(ANN, [taken], Exact(7), claims=(MAIL,)),
            WrongExpectedVersion: write_of(ANN, [taken], Exact(7), claims=(MAIL,)),
            UniqueKeyTaken: write_of(ANN, [taken], claims=(MAIL,)),
            DuplicateEventId: write_of(ANN, [taken]),
            InvalidMessage: write_of(ANN),
        }
        for error, write in writes.items():
            command = "old" if error in (LimitExceeded, IdempotencyMismatch) else "new"
            with pytest.raises(error):
                await atomic(engine).append_atomic(
                    full_append(write, command=command, payload="another", change=TOO_MUCH)
                )
