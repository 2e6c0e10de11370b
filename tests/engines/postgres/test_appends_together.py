"""Appends of several engines at once: what one took between another's look and its write is looked at anew."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from itertools import permutations
from typing import TypeAlias

import pytest

from headwater.domain.append import Append, Appended, Check, UniqueKey, Write
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion, Exact, ExpectedVersion, NoStream
from headwater.engines.postgres import open_engine
from headwater.errors import (
    DuplicateEventId,
    IdempotencyMismatch,
    InvalidMessage,
    UniqueKeyTaken,
    WrongExpectedVersion,
)
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.controls import append_of, atomic, command_of, events_of, log_of, new_event, write_of
from tests.engines.postgres.roles import a_role, as_role
from tests.engines.servers import fresh_schema

Move: TypeAlias = tuple[str, UniqueKey, UniqueKey]
"""A stream, and the keys it gives up and takes."""
Ended: TypeAlias = tuple[dict[Move, type], dict[UniqueKey, str]]

ENGINES = 3
ROUNDS = 30


@pytest.fixture
async def engines() -> AsyncIterator[list[Engine]]:
    """Several on one store, each with connections and a task for groups of its own, as in so many processes.

    Nobody on the server looks for circles: whoever waits in one is told StoreBusy in the end.
    """
    async with a_role(deadlock_timeout="1h") as role, fresh_schema(partitions="4", lock_timeout="10") as url:
        opened = [open_engine(as_role(url, role), EngineOptions()) for _ in range(ENGINES)]
        await asyncio.gather(*(engine.open() for engine in opened))
        yield list[Engine](opened)
        await asyncio.gather(*(engine.close() for engine in opened))


async def outcomes(*appends: Awaitable[Appended]) -> list[Appended | BaseException]:
    return await asyncio.gather(*appends, return_exceptions=True)


def stream(name: object) -> StreamId:
    return StreamId("user", str(name))


async def test_several_that_open_one_new_store_find_the_same(engines: list[Engine]) -> None:
    assert len({(await engine.open()).store_id for engine in engines}) == 1
    assert {engine.log.partitions for engine in engines} == {4}


async def test_one_of_those_that_expect_a_version_wins(engines: list[Engine]) -> None:
    for version in range(ROUNDS):
        told = await outcomes(*(engine.events.append(append_of(stream("a"), 1, Exact(version))) for engine in engines))
        assert sum(isinstance(each, Appended) for each in told) == 1
        assert sum(isinstance(each, WrongExpectedVersion) for each in told) == ENGINES - 1


async def test_one_of_those_that_claim_a_key_from_different_partitions_wins(engines: list[Engine]) -> None:
    for number in range(ROUNDS):
        key = UniqueKey("mail", str(number))
        told = await outcomes(
            *(
                engine.events.append(append_of(stream(f"{number}-{place}"), claims=(key,)))
                for place, engine in enumerate(engines)
            )
        )
        assert sum(isinstance(each, Appended) for each in told) == 1
        assert sum(isinstance(each, UniqueKeyTaken) for each in told) == ENGINES - 1


async def test_keys_that_change_hands_crosswise_end_as_if_one_by_one(engines: list[Engine]) -> None:
    """Each gives up what another may want: they lock in one order, so that nobody waits in a circle."""
    chance = random.Random(0)
    keys = [UniqueKey("desk", str(number)) for number in range(4)]
    holders: dict[UniqueKey, str] = {}
    changes = 0
    for _ in range(2 * ROUNDS):
        names = [str(stream(place)) for place in range(ENGINES)]
        given = [chance.choice([key for key in keys if holders.get(key) == name] or keys) for name in names]
        taken = [chance.choice([key for key in keys if key != gives]) for gives in given]
        moves = list(zip(names, given, taken, strict=True))
        told = await outcomes(
            *(
                engine.events.append(append_of(StreamId.parse(name), releases=(gives,), claims=(takes,)))
                for engine, (name, gives, takes) in zip(engines, moves, strict=True)
            )
        )
        held = {each.key: str(each.stream) for each in await engines[0].unique_keys.held()}
        changes += held != holders
        assert (dict(zip(moves, map(type, told), strict=True)), held) in orders(holders, moves), told
        holders = held
    assert changes > ROUNDS // 2, changes


def orders(before: Mapping[UniqueKey, str], moves: Sequence[Move]) -> list[Ended]:
    """What moves come to one after the other, in any order: what each is told, and who holds which key then."""
    return [moved(before, order) for order in permutations(moves)]


def moved(before: Mapping[UniqueKey, str], moves: Iterable[Move]) -> Ended:
    holders, told = dict(before), dict[Move, type]()
    for move in moves:
        name, given, taken = move
        if holders.get(taken, name) != name:
            told[move] = UniqueKeyTaken
            continue
        if holders.get(given) == name:
            del holders[given]
        holders[taken] = name
        told[move] = Appended
    return told, holders


async def test_many_keys_that_are_claimed_in_any_order_are_never_waited_for_in_a_circle(engines: list[Engine]) -> None:
    for number in range(ROUNDS // 3):
        keys = tuple(UniqueKey("seat", f"{number}-{seat}") for seat in range(300))
        told = await outcomes(
            *(
                engine.events.append(append_of(stream(f"{number}-{place}"), claims=keys[:: 1 - 2 * (place % 2)]))
                for place, engine in enumerate(engines)
            )
        )
        assert sum(isinstance(each, Appended) for each in told) == 1, told
        assert sum(isinstance(each, UniqueKeyTaken) for each in told) == ENGINES - 1, told


async def test_a_command_that_is_sent_to_all_of_them_commits_once(engines: list[Engine]) -> None:
    """Under different streams, so that no lock of a partition keeps them apart."""
    for number in range(ROUNDS):
        command = command_of(f"c{number}")
        told = await outcomes(
            *(
                engine.events.append(append_of(stream(f"{number}-{place}"), command=command))
                for place, engine in enumerate(engines)
            )
        )
        committed = [each for each in told if isinstance(each, Appended)]
        assert len(committed) == ENGINES, told
        assert sum(each.replayed is None for each in committed) == 1
        assert len({each.writes for each in committed}) == 1
    assert len(await log_of(engines[0])) == ROUNDS


async def test_a_command_sent_with_another_payload_at_once_is_a_mismatch(engines: list[Engine]) -> None:
    for number in range(ROUNDS):
        told = await outcomes(
            *(
                engine.events.append(
                    append_of(stream(f"{number}-{place}"), command=command_of(f"c{number}", str(place)))
                )
                for place, engine in enumerate(engines)
            )
        )
        assert sum(isinstance(each, Appended) for each in told) == 1
        assert sum(isinstance(each, IdempotencyMismatch) for each in told) == ENGINES - 1


async def test_an_event_id_used_twice_at_once_is_found_and_its_group_goes_on(engines: list[Engine]) -> None:
    for number in range(ROUNDS):
        event = new_event()
        told = await outcomes(
            *(
                engine.events.append(append_of(stream(f"{number}-{place}"), (event,)))
                for place, engine in enumerate(engines)
            ),
            *(engine.events.append(append_of(stream(f"{number}-good"))) for engine in engines),
        )
        assert sum(isinstance(each, Appended) for each in told[:ENGINES]) == 1
        assert sum(isinstance(each, DuplicateEventId) for each in told[:ENGINES]) == ENGINES - 1
        assert all(isinstance(each, Appended) for each in told[ENGINES:])


async def test_a_stream_made_at_once_under_two_partition_keys_keeps_one(engines: list[Engine]) -> None:
    for number in range(ROUNDS):
        told = await outcomes(
            *(
                engine.events.append(append_of(stream(number), partition_key=key))
                for engine, key in zip(engines, (None, "north", "south"), strict=True)
            )
        )
        assert sum(isinstance(each, Appended) for each in told) == 1
        assert sum(isinstance(each, InvalidMessage) for each in told) == ENGINES - 1
        assert await engines[0].events.head(stream(number)) == 1


@pytest.mark.parametrize("keys", [(None, None), ("north", "north"), ("north", "south"), (None, "south")])
async def test_a_stream_that_is_checked_to_be_missing_is_not_made_meanwhile(
    engines: list[Engine], keys: tuple[str | None, str | None]
) -> None:
    """Two that each make a stream only if the other's is missing: never both, wherever they would lie."""
    for number in range(ROUNDS):
        left, right = stream(f"{number}-left"), stream(f"{number}-right")
        told = await outcomes(
            atomic(engines[0]).append_atomic(_if_missing(left, right, keys[0])),
            atomic(engines[1]).append_atomic(_if_missing(right, left, keys[1])),
        )
        assert sum(isinstance(each, Appended) for each in told) == 1, told
        assert sum(isinstance(each, WrongExpectedVersion) for each in told) == 1


async def test_a_stream_that_is_checked_stands_still_until_the_commit(engines: list[Engine]) -> None:
    """Two that each count on where the other's stream stands: never both at once."""
    for name in ("left", "right"):
        await engines[0].events.append(append_of(stream(name), partition_key="apart" if name == "left" else None))
    for _ in range(ROUNDS):
        at = [await engines[0].events.head(stream(name)) for name in ("left", "right")]
        told = await outcomes(
            atomic(engines[0]).append_atomic(_if_at("left", "apart", "right", at[1])),
            atomic(engines[1]).append_atomic(_if_at("right", None, "left", at[0])),
        )
        assert sum(isinstance(each, Appended) for each in told) == 1, told


async def test_many_streams_in_one_append_cross_and_never_wait_in_a_circle(engines: list[Engine]) -> None:
    names = [str(number) for number in range(12)]
    for _ in range(ROUNDS):
        told = await outcomes(
            *(
                atomic(engine).append_atomic(Append(writes=tuple(write_of(stream(name)) for name in turned)))
                for engine in engines
                for turned in (names, names[::-1])
            )
        )
        assert all(isinstance(each, Appended) for each in told), told
    heads = {await engines[0].events.head(stream(name)) for name in names}
    assert heads == {ROUNDS * ENGINES * 2}


async def test_what_one_append_is_refused_for_is_nothing_to_the_others_of_its_group(engines: list[Engine]) -> None:
    engine = engines[0]
    taken = UniqueKey("mail", "taken")
    await engine.events.append(append_of(stream("holder"), claims=(taken,)))
    told = await outcomes(
        engine.events.append(append_of(stream("a"), 2)),
        engine.events.append(append_of(stream("b"), 1, NoStream(), claims=(taken,))),
        engine.events.append(append_of(stream("a"), 1, Exact(2))),
        engine.events.append(append_of(stream("a"), 1, Exact(2))),
        engine.events.append(append_of(stream("b"), 1, NoStream())),
    )
    kinds = [type(each).__name__ for each in told]
    assert kinds == ["Appended", "UniqueKeyTaken", "Appended", "WrongExpectedVersion", "Appended"]


async def test_an_append_without_events_only_keeps_its_command(engines: list[Engine]) -> None:
    nothing = Append(writes=(), command=command_of("noted"))
    first, second = await outcomes(atomic(engines[0]).append_atomic(nothing), atomic(engines[1]).append_atomic(nothing))
    assert isinstance(first, Appended)
    assert isinstance(second, Appended)
    assert [first.replayed is None, second.replayed is None].count(True) == 1


def _if_missing(made: StreamId, missing: StreamId, key: str | None) -> Append:
    write = Write(stream=made, expected=NoStream(), events=events_of(1), partition_key=key)
    return Append(writes=(write,), checks=(Check(missing, NoStream()),))


def _if_at(written: str, key: str | None, checked: str, version: int) -> Append:
    expected: ExpectedVersion = AnyVersion()
    write = Write(stream=stream(written), expected=expected, events=events_of(1), partition_key=key)
    return Append(writes=(write,), checks=(Check(stream(checked), Exact(version)),))
