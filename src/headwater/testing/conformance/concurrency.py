"""What must hold while many act at once."""

from __future__ import annotations

import asyncio

from headwater.domain.append import Append, Appended
from headwater.domain.event import StoredEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact, NoStream
from headwater.errors import HeadwaterError, UniqueKeyTaken, WrongExpectedVersion
from headwater.ports.engine import Engine
from headwater.testing.controls import ANN, BOB, EVERYTHING, MAIL, append_of, command_of, log_of, new_event

__all__ = ["ConcurrencyConformance"]

MANY = 64


def many_streams() -> list[StreamId]:
    return [StreamId("user", str(number)) for number in range(MANY)]


async def outcomes(engine: Engine, appends: list[Append]) -> list[Appended | HeadwaterError]:
    """Of appends made at the same time: what each became."""

    async def outcome(append: Append) -> Appended | HeadwaterError:
        try:
            return await engine.events.append(append)
        except HeadwaterError as error:
            return error

    return await asyncio.gather(*map(outcome, appends))


def assert_whole(log: list[StoredEvent]) -> None:
    """Offsets dense in every partition, versions in every stream, in the same order; event ids distinct."""
    offsets: dict[int, int] = {}
    heads: dict[str, int] = {}
    for event in log:
        assert event.offset == offsets.get(event.partition, 0)
        assert event.version == heads.get(event.stream, 0) + 1
        offsets[event.partition] = event.offset + 1
        heads[event.stream] = event.version
    assert len({event.event_id for event in log}) == len(log)


class ConcurrencyConformance:
    """Enrol with the fixture `engine`."""

    async def test_appenders_to_streams_of_their_own_all_commit(self, engine: Engine) -> None:
        async def append_some(stream: StreamId) -> None:
            for version in range(0, 20, 2):
                await engine.events.append(append_of(stream, 2, Exact(version)))

        await asyncio.gather(*map(append_some, many_streams()))
        log = await log_of(engine)
        assert_whole(log)
        assert len(log) == MANY * 20

    async def test_one_of_many_that_expect_the_same_version_wins(self, engine: Engine) -> None:
        for version in range(5):
            done = await outcomes(engine, [append_of(ANN, 1, Exact(version)) for _ in range(MANY)])
            assert sum(isinstance(outcome, Appended) for outcome in done) == 1
            assert sum(isinstance(outcome, WrongExpectedVersion) for outcome in done) == MANY - 1
        assert_whole(log := await log_of(engine))
        assert len(log) == 5

    async def test_one_of_many_that_claim_the_same_key_wins(self, engine: Engine) -> None:
        done = await outcomes(engine, [append_of(stream, claims=(MAIL,)) for stream in many_streams()])
        winners = [outcome.writes[0].stream for outcome in done if isinstance(outcome, Appended)]
        assert [await engine.unique_keys.holder(MAIL)] == winners
        assert sum(isinstance(outcome, UniqueKeyTaken) for outcome in done) == MANY - 1
        assert len(await log_of(engine)) == 1

    async def test_one_of_many_of_the_same_command_appends(self, engine: Engine) -> None:
        done = await outcomes(engine, [append_of(ANN, 2, command=command_of("c1")) for _ in range(MANY)])
        appended = [outcome for outcome in done if isinstance(outcome, Appended)]
        assert len(appended) == MANY
        assert sum(outcome.replayed is None for outcome in appended) == 1
        assert {outcome.writes for outcome in appended} == {appended[0].writes}
        assert await engine.events.head(ANN) == 2

    async def test_bad_appends_among_good_ones_fail_alone(self, engine: Engine) -> None:
        await engine.events.append(append_of(BOB, claims=(MAIL,)))
        appends: list[Append] = []
        for number, stream in enumerate(many_streams()):
            bad = append_of(stream, 2, claims=(MAIL,)) if number % 2 else append_of(stream, 2, Exact(1))
            appends += [bad, append_of(stream, 2, NoStream())][:: 1 if number % 3 else -1]
        done = await outcomes(engine, appends)
        assert sum(isinstance(outcome, Appended) for outcome in done) == MANY
        assert_whole(log := await log_of(engine))
        assert len(log) == 1 + MANY * 2
        assert await engine.unique_keys.holder(MAIL) == "user-bob"

    async def test_a_reader_never_sees_anything_new_below_what_it_saw(self, engine: Engine) -> None:
        async def append_some(stream: StreamId) -> None:
            for _ in range(10):
                await engine.events.append(append_of(stream, [new_event(), new_event(topic="out")]))

        async def follow(partition: int, seen: list[StoredEvent]) -> None:
            while not writing.done() or len(seen) < await engine.log.head(partition):
                page = await engine.log.read(partition, len(seen), 7, EVERYTHING)
                assert page.next == len(seen) + len(page.events)
                seen.extend(page.events)
                await asyncio.sleep(0)

        writing = asyncio.gather(*map(append_some, many_streams()))
        followed: list[list[StoredEvent]] = [[] for _ in range(engine.log.partitions)]
        await asyncio.gather(*(follow(partition, seen) for partition, seen in enumerate(followed)))
        await writing
        assert [event for seen in followed for event in seen] == await log_of(engine)

    async def test_cancelled_appends_are_there_whole_or_not_at_all(self, engine: Engine) -> None:
        for patience in range(8):
            tasks = [asyncio.create_task(engine.events.append(append_of(stream, 3))) for stream in many_streams()]
            for _ in range(patience):
                await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await engine.events.append(append_of(ANN, 3))
        assert_whole(log := await log_of(engine))
        heads = {event.stream: event.version for event in log}
        assert all(version % 3 == 0 for version in heads.values())
        assert all(heads[str(stream)] == 24 for stream in many_streams()[1::2])
