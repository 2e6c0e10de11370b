"""The plan of a group is what one append after the other comes to: held against the memory engine, without a server."""

from __future__ import annotations

import random
from collections import Counter
from typing import TypeAlias

import pytest

from headwater.domain.append import Append, Appended, Check, CommandRecord, UniqueKey, Write
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion, Exact, ExpectedVersion, NoStream
from headwater.engines.memory import MemoryEngine
from headwater.engines.postgres.append_plan import Plan, Seen, Standing, planned
from headwater.errors import HeadwaterError
from headwater.ports.engine import EngineOptions
from headwater.testing.clock import ManualClock
from headwater.testing.controls import atomic, command_of, events_of, log_of

Told: TypeAlias = tuple[str, object]

STREAMS = [StreamId("user", name) for name in ("ann", "bob", "cat")]
KEYS = [UniqueKey("mail", name) for name in "xyz"]
SCHEDULES = 400


class Stored:
    """A store as the plan sees it: what a transaction would have read and written."""

    def __init__(self) -> None:
        self.streams: dict[str, Standing] = {}
        self.keys: dict[UniqueKey, str] = {}
        self.commands: dict[str, CommandRecord] = {}
        self.next: Counter[int] = Counter()
        self.log: list[tuple[int, int, str, int, bytes]] = []

    def commit(self, appends: list[Append], partitions: int, now: int) -> list[Told]:
        """As the transaction does: first without the commands' records, and once more where it matters."""
        plan = self._plan(appends, partitions, now, known=False)
        repeated = any(self._is_committed(id) for id in plan.commands)
        if plan.asks_for_commands or repeated:
            plan = self._plan(appends, partitions, now, known=True)
        self._write(plan)
        return [told(outcome) for outcome in plan.outcomes]

    def _plan(self, appends: list[Append], partitions: int, now: int, *, known: bool) -> Plan:
        seen = Seen(dict(self.streams), dict(self.keys), dict(self.commands) if known else None)
        return planned(appends, seen, lambda key: len(key) % partitions, now)

    def _is_committed(self, id: str) -> bool:
        return id in self.commands and self.commands[id].error is None

    def _write(self, plan: Plan) -> None:
        assert list(plan.releases) == sorted(plan.releases)
        assert list(plan.claims) == sorted(plan.claims)
        for key, holder in plan.releases:
            assert self.keys.pop(key) == holder
        for key, stream in plan.claims:
            assert key not in self.keys
            self.keys[key] = stream
        self.commands |= plan.commands
        plan.firsts = {partition: self.next[partition] for partition in plan.added}
        for event in plan.events:
            offset = plan.firsts[event.partition] + event.place
            self.log.append((event.partition, offset, event.stream, event.version, event.event_id))
        self.next += plan.added
        self.streams |= plan.streams


def told(outcome: Appended | HeadwaterError) -> Told:
    if isinstance(outcome, HeadwaterError):
        return type(outcome).__name__, str(outcome)
    return "committed", (outcome.writes, outcome.replayed is not None)


def an_append(chance: random.Random, number: int) -> Append:
    writes = [
        Write(
            stream=stream,
            expected=_expected(chance),
            events=events_of(chance.randint(1, 3)),
            partition_key=chance.choice([None, None, None, "team"]),
            claims=tuple(chance.sample(KEYS, chance.choice([0, 0, 1, 2]))),
            releases=tuple(chance.sample(KEYS, chance.choice([0, 0, 1]))),
        )
        for stream in chance.sample(STREAMS, chance.choice([1, 1, 1, 2]))
    ]
    checks = tuple(Check(stream, _expected(chance)) for stream in chance.sample(STREAMS, chance.choice([0, 0, 1])))
    command = command_of(f"c{chance.randint(number // 2, number)}", chance.choice(["", "", "other"]))
    return Append(writes=tuple(writes), checks=checks, command=chance.choice([command, command, None]))


def _expected(chance: random.Random) -> ExpectedVersion:
    often: list[ExpectedVersion] = [AnyVersion(), AnyVersion(), AnyVersion()]
    return chance.choice([*often, NoStream(), Exact(chance.randint(0, 4))])


@pytest.mark.parametrize("partitions", [1, 3])
async def test_a_group_comes_to_what_its_appends_come_to_one_by_one(partitions: int, clock: ManualClock) -> None:
    for seed in range(SCHEDULES):
        chance = random.Random(seed)
        reference, stored = MemoryEngine(partitions, EngineOptions(clock=clock)), Stored()
        await reference.open()
        appends = [an_append(chance, number) for number in range(chance.randint(1, 14))]
        expected = [await _one_by_one(reference, append) for append in appends]
        actual: list[Told] = []
        while len(actual) < len(appends):
            group = appends[len(actual) : len(actual) + chance.randint(1, 6)]
            actual += stored.commit(group, partitions, clock.micros())
        assert actual == expected, f"seed {seed}"
        assert sorted((stream, version, id) for _, _, stream, version, id in stored.log) == sorted(
            (event.stream, event.version, event.event_id) for event in await log_of(reference)
        )
        _check_dense(stored, partitions)
        for key in KEYS:
            assert stored.keys.get(key) == await reference.unique_keys.holder(key)
        await reference.close()


async def _one_by_one(engine: MemoryEngine, append: Append) -> Told:
    try:
        return told(await atomic(engine).append_atomic(append))
    except HeadwaterError as error:
        return told(error)


def _check_dense(stored: Stored, partitions: int) -> None:
    for number in range(partitions):
        offsets = sorted(offset for partition, offset, *_ in stored.log if partition == number)
        assert offsets == list(range(len(offsets)))
