"""The law of Imports: a copy keeps everything but the positions."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from headwater.domain.append import UniqueKey, Written
from headwater.domain.event import StoredEvent
from headwater.domain.importing import Import, Imported
from headwater.domain.stream import StreamId
from headwater.errors import (
    DuplicateEventId,
    ImportRefused,
    InvalidId,
    InvalidIdentifier,
    InvalidMessage,
    StoreMismatch,
)
from headwater.handling.ids import uuid7
from headwater.ports.engine import Engine
from headwater.ports.imports import Origin
from headwater.ports.tags import KeepsTags
from headwater.testing.clock import START
from headwater.testing.controls import ANN, BOB, MAIL, append_of, command_of, contents, log_of

__all__ = ["ImportsConformance"]

SOURCE = "the source"
replace = msgspec.structs.replace


def stored(stream: StreamId, *versions: int, topic: str | None = None, type: str = "Noted") -> list[StoredEvent]:
    """Events as another store had them, somewhere in its log."""
    return [
        StoredEvent(
            partition=3,
            offset=100 + version,
            stream=str(stream),
            version=version,
            event_id=uuid7(),
            timestamp=START - 1_000_000 + version * 7,
            type=type,
            schema=2,
            data=b'{"number":%d}' % version,
            context=b'{"principal":"ann"}',
            topic=topic,
        )
        for version in versions
    ]


def unplaced(events: Sequence[StoredEvent]) -> list[StoredEvent]:
    return [replace(event, partition=0, offset=0) for event in events]


async def take(engine: Engine, *events: StoredEvent, **more: object) -> Imported:
    """One batch, into a copy that is begun."""
    await engine.imports.begin(SOURCE)
    return await engine.imports.take(Import(events=events, **more))  # type: ignore[arg-type]  # its other fields


class ImportsConformance:
    """Enrol with the fixture `engine`."""

    # -- what is kept ------------------------------------------------------------

    async def test_events_are_kept_as_they_were(self, engine: Engine) -> None:
        ann = [*stored(ANN, 1, 2), *stored(ANN, 3, topic="mail"), *stored(ANN, 4)]
        assert await take(engine, *ann) == Imported(4)
        assert unplaced(await engine.events.load(ANN)) == unplaced(ann)
        assert await engine.events.head(ANN) == 4
        assert await engine.events.count("user") == 1
        assert (await engine.events.fold_rows(ANN)).version == 4

    async def test_positions_are_new_and_dense_and_in_the_order_given(self, engine: Engine) -> None:
        ann, bob = stored(ANN, 1, 2, 3), stored(BOB, 1, 2)
        given = [ann[0], bob[0], ann[1], ann[2], bob[1]]
        await take(engine, *given)
        log = await log_of(engine)
        assert sorted(event.event_id for event in log) == sorted(event.event_id for event in given)
        for partition in range(engine.log.partitions):
            there = [event for event in log if event.partition == partition]
            assert [event.offset for event in there] == list(range(len(there)))
            ids = {event.event_id for event in there}
            assert [event.event_id for event in there] == [e.event_id for e in given if e.event_id in ids]
        for event in log:
            assert await engine.log.offset_of(event.stream, event.version) == (event.partition, event.offset)

    async def test_streams_keep_their_partition_keys(self, engine: Engine) -> None:
        await take(engine, *stored(ANN, 1), *stored(BOB, 1), partition_keys={str(ANN): "acme"})
        assert (await log_of(engine))[0].partition in range(engine.log.partitions)
        place = await engine.log.offset_of(str(ANN), 1)
        assert place is not None
        assert place[0] == engine.log.partition_of("acme")
        streams = await engine.admin.streams()
        assert {info.stream: info.partition_key for info in streams} == {str(ANN): "acme", str(BOB): None}
        await engine.events.append(append_of(ANN, partition_key="acme"))
        with pytest.raises(InvalidMessage):
            await engine.events.append(append_of(ANN, partition_key="other"))

    async def test_appends_go_on_behind_it(self, engine: Engine) -> None:
        await engine.imports.begin(SOURCE)
        for number in range(3):
            batch = [*stored(StreamId("user", f"u{number}"), 1, 2), *stored(ANN, number + 1)]
            await engine.imports.take(Import(events=batch))
        await engine.imports.finish()
        await engine.events.append(append_of(ANN, 2))
        ann = await engine.events.load(ANN)
        assert [event.version for event in ann] == [1, 2, 3, 4, 5]
        assert [event.timestamp for event in ann] == sorted({event.timestamp for event in ann})
        findings = [step async for step in engine.admin.verify() if not isinstance(step, int)]
        assert [finding for finding in findings if finding.severity == "error"] == []

    async def test_tags_are_kept_where_the_engine_has_them(self, engine: Engine) -> None:
        if not isinstance(engine.events, KeepsTags):
            return
        ann = stored(ANN, 1, 2)
        tags = {ann[1].event_id: ("course:c1", "student:s1")}
        await take(engine, *ann, tags=tags)
        partition, offset = await engine.log.offset_of(str(ANN), 2) or (-1, -1)
        assert dict(await engine.events.tags_between(partition, 0, 10)) == {offset: ("course:c1", "student:s1")}
        assert await take(engine, *ann, tags=tags) == Imported()
        with pytest.raises(ImportRefused):
            await take(engine, *ann)

    # -- doing it again ----------------------------------------------------------

    async def test_what_is_there_is_passed_by(self, engine: Engine) -> None:
        ann, bob = stored(ANN, 1, 2, 3), stored(BOB, 1)
        await take(engine, *ann[:2])
        assert await take(engine, *ann, *bob) == Imported(2)
        before = await contents(engine)
        assert await take(engine, *ann, *bob) == Imported()
        assert await take(engine, ann[1]) == Imported()
        assert await contents(engine) == before

    @pytest.mark.parametrize(
        "difference",
        [
            {"event_id": b"0123456789abcdef"},
            {"timestamp": START - 1_000_000 + 8},
            {"type": "Other"},
            {"schema": 3},
            {"data": b"{}"},
            {"context": b"{}"},
            {"topic": "mail"},
        ],
        ids=lambda difference: next(iter(difference)),
    )
    async def test_what_is_there_and_differs_is_refused(self, engine: Engine, difference: dict[str, object]) -> None:
        ann = stored(ANN, 1, 2)
        await take(engine, ann[0])
        before = await contents(engine)
        with pytest.raises(ImportRefused):
            await take(engine, *stored(BOB, 1), replace(ann[0], **difference), ann[1])
        assert await contents(engine) == before

    async def test_a_stream_with_a_hole_is_refused(self, engine: Engine) -> None:
        ann = stored(ANN, 1, 2, 3, 4)
        for events in (ann[1:2], [ann[0], ann[2]], [ann[1], ann[0]], [ann[0], ann[0]]):
            with pytest.raises((ImportRefused, DuplicateEventId)):
                await take(engine, *stored(BOB, 1), *events)
        await take(engine, ann[0])
        with pytest.raises(ImportRefused):
            await take(engine, ann[2])
        assert (await engine.events.head(ANN), await engine.events.head(BOB)) == (1, 0)

    async def test_a_timestamp_that_does_not_rise_is_refused(self, engine: Engine) -> None:
        ann = stored(ANN, 1, 2)
        late = replace(ann[1], timestamp=ann[0].timestamp)
        with pytest.raises(ImportRefused):
            await take(engine, ann[0], late)
        await take(engine, ann[0])
        with pytest.raises(ImportRefused):
            await take(engine, late)

    async def test_another_partition_key_is_refused(self, engine: Engine) -> None:
        ann = stored(ANN, 1, 2)
        await take(engine, ann[0], partition_keys={str(ANN): "acme"})
        with pytest.raises(ImportRefused):
            await take(engine, ann[1])
        assert await take(engine, *ann, partition_keys={str(ANN): "acme"}) == Imported(1)

    async def test_an_event_id_that_lies_elsewhere_is_refused(self, engine: Engine) -> None:
        [ann], [bob] = stored(ANN, 1), stored(BOB, 1)
        await take(engine, ann)
        before = await contents(engine)
        with pytest.raises(DuplicateEventId):
            await take(engine, *stored(StreamId("user", "cid"), 1), replace(bob, event_id=ann.event_id))
        assert await contents(engine) == before

    @pytest.mark.parametrize(
        ("difference", "error"),
        [
            ({"data": b"{\n}"}, InvalidMessage),
            ({"context": b"{\n}"}, InvalidMessage),
            ({"event_id": b"short"}, InvalidMessage),
            ({"type": "no type"}, InvalidIdentifier),
            ({"stream": "nohyphen"}, InvalidId),
        ],
    )
    async def test_what_is_no_stored_event_is_refused(
        self, engine: Engine, difference: dict[str, object], error: type[Exception]
    ) -> None:
        [ann] = stored(ANN, 1)
        with pytest.raises(error):
            await take(engine, replace(ann, **difference))
        assert await log_of(engine) == []

    # -- commands and keys ---------------------------------------------------------

    async def test_records_are_kept_with_their_times_and_their_order(self, engine: Engine) -> None:
        done = [
            replace(command_of(f"c{9 - number}"), writes=(Written(str(ANN), 1, 1),), timestamp=START - number)
            for number in range(3)
        ]
        refused = replace(command_of("r", error="TooLate: no"), timestamp=START + 5)
        assert await take(engine, *stored(ANN, 1), commands=[*done, refused]) == Imported(1, 4)
        assert await take(engine, commands=[*done, refused]) == Imported()
        assert [page async for page in engine.commands.all(3)] == [done, [refused]]
        assert list(await engine.commands.list(10)) == [refused, *reversed(done)]
        again = await engine.events.append(append_of(ANN, command=command_of("c8")))
        assert again.replayed == done[1]

    async def test_a_refused_record_makes_way_and_a_committed_one_does_not(self, engine: Engine) -> None:
        refused = replace(command_of("c", error="TooLate: no"), timestamp=START)
        done = replace(command_of("c"), timestamp=START + 1)
        await take(engine, commands=[refused])
        assert await take(engine, commands=[done]) == Imported(commands=1)
        assert await engine.commands.find("c") == done
        for other in (refused, replace(done, result=b"1"), replace(done, timestamp=START)):
            with pytest.raises(ImportRefused):
                await take(engine, *stored(BOB, 1), commands=[other])
        assert await engine.commands.find("c") == done
        assert await engine.events.head(BOB) == 0

    async def test_keys_change_hands_as_told(self, engine: Engine) -> None:
        other = UniqueKey("user-email", "bob@example.com")
        given = await take(engine, *stored(ANN, 1), *stored(BOB, 1), keys={MAIL: str(ANN), other: str(BOB)})
        assert given == Imported(2, 0, 2)
        assert await take(engine, keys={MAIL: str(ANN), other: str(BOB)}) == Imported()
        assert await take(engine, keys={MAIL: str(BOB), other: None}) == Imported(keys=2)
        assert await engine.unique_keys.holder(MAIL) == str(BOB)
        assert await engine.unique_keys.holder(other) is None
        assert await take(engine, keys={other: None}) == Imported()

    async def test_a_key_of_a_stream_that_is_not_there_is_left_out(self, engine: Engine) -> None:
        assert await take(engine, keys={MAIL: str(ANN)}) == Imported()
        assert await engine.unique_keys.holder(MAIL) is None
        await take(engine, *stored(ANN, 1), keys={MAIL: str(ANN)})
        assert await engine.unique_keys.holder(MAIL) == str(ANN)

    # -- which store may be one ------------------------------------------------------

    async def test_a_copy_is_of_one_store_and_knows_whether_it_is_whole(self, engine: Engine) -> None:
        assert await engine.imports.origin() is None
        with pytest.raises(StoreMismatch):
            await engine.imports.take(Import(events=stored(ANN, 1)))
        await engine.imports.begin(SOURCE)
        await engine.imports.begin(SOURCE)
        assert await engine.imports.origin() == Origin(SOURCE, is_whole=False)
        with pytest.raises(StoreMismatch, match=SOURCE):
            await engine.imports.begin("another")
        await engine.imports.finish()
        assert await engine.imports.origin() == Origin(SOURCE, is_whole=True)
        with pytest.raises(StoreMismatch):
            await engine.imports.take(Import(events=stored(ANN, 1)))

    async def test_a_whole_copy_goes_on_until_an_application_uses_it(self, engine: Engine) -> None:
        own = (await engine.open()).store_id
        await take(engine, *stored(ANN, 1))
        with pytest.raises(StoreMismatch, match="unfinished copy"):
            await engine.follow(own)
        await engine.imports.finish()
        await take(engine, *stored(BOB, 1))
        await engine.imports.finish()
        await engine.follow(own)
        with pytest.raises(StoreMismatch, match="application"):
            await engine.imports.begin(SOURCE)

    async def test_a_store_with_events_of_its_own_becomes_no_copy(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN))
        with pytest.raises(StoreMismatch, match="of its own"):
            await engine.imports.begin(SOURCE)
        assert await engine.imports.origin() is None
