"""Controls: the example values that the suites are written in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, cast

import msgspec

from headwater.domain.append import Append, CommandRecord, UniqueKey, Write
from headwater.domain.event import NewEvent, StoredEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion, ExpectedVersion
from headwater.handling.ids import uuid7
from headwater.models.changes import Accumulate, Insert
from headwater.models.model import Indexed, Key, ReadModel
from headwater.ports.atomic_appends import AtomicAppends
from headwater.ports.engine import Engine
from headwater.ports.log import LogFilter
from headwater.ports.read_models import Selection

__all__ = [
    "ANN",
    "BOB",
    "EVERYTHING",
    "MAIL",
    "TOO_MUCH",
    "Remark",
    "Tally",
    "append_of",
    "atomic",
    "command_of",
    "contents",
    "events_of",
    "log_of",
    "new_event",
    "read_on",
    "tally",
    "write_of",
]

ANN: Final = StreamId("user", "ann")
BOB: Final = StreamId("user", "bob")
MAIL: Final = UniqueKey("user-email", "ann@example.com")
EVERYTHING: Final = LogFilter(hidden=True)


class Tally(ReadModel, table="conformance_tally"):
    """The row the suites write."""

    name: Key[str]
    total: Indexed[int] = 0


class Remark(ReadModel, table="conformance_remark"):
    """Another one, for what is written together."""

    name: Key[str]
    text: str = ""


def tally(name: str, total: int = 0) -> Insert:
    return Insert(Tally(name=name, total=total))


TOO_MUCH: Final = Accumulate(Tally, "full", Tally(name="full", total=2**63 - 1), add={"total": 1})
"""A change that every engine refuses when it makes it: the sum leaves the range of its field."""


def new_event(
    type: str = "Noted", data: bytes = b"{}", topic: str | None = None, tags: tuple[str, ...] = ()
) -> NewEvent:
    return NewEvent(event_id=uuid7(), type=type, schema=1, data=data, topic=topic, tags=tags)


def events_of(count: int) -> tuple[NewEvent, ...]:
    """Events that say their number, from 1."""
    return tuple(new_event(data=b'{"number":%d}' % number) for number in range(1, count + 1))


def write_of(
    stream: StreamId,
    events: int | Sequence[NewEvent] = 1,
    expected: ExpectedVersion = AnyVersion(),  # noqa: B008  # frozen
    *,
    claims: tuple[UniqueKey, ...] = (),
    releases: tuple[UniqueKey, ...] = (),
    partition_key: str | None = None,
) -> Write:
    """A write of these events, or of so many."""
    return Write(
        stream=stream,
        expected=expected,
        events=events_of(events) if isinstance(events, int) else tuple(events),
        partition_key=partition_key,
        claims=claims,
        releases=releases,
    )


def append_of(
    stream: StreamId,
    events: int | Sequence[NewEvent] = 1,
    expected: ExpectedVersion = AnyVersion(),  # noqa: B008  # frozen
    *,
    claims: tuple[UniqueKey, ...] = (),
    releases: tuple[UniqueKey, ...] = (),
    partition_key: str | None = None,
    command: CommandRecord | None = None,
    context: bytes = b"",
) -> Append:
    """An append of one write."""
    write = write_of(stream, events, expected, claims=claims, releases=releases, partition_key=partition_key)
    return Append(writes=(write,), command=command, context=context)


def command_of(id: str, payload: str = "", error: str | None = None, name: str = "Note") -> CommandRecord:
    """A command's record; another payload is another fingerprint."""
    return CommandRecord(
        id=id, name=name, fingerprint=b"fingerprint of " + payload.encode(), result=b'"done"', error=error
    )


def atomic(engine: Engine) -> AtomicAppends:
    """The engine's events, for the suites of engines that honour AtomicAppends."""
    return cast("AtomicAppends", engine.events)


async def read_on(
    engine: Engine, partition: int, start: int = 0, limit: int = 100, only: LogFilter | None = None
) -> AsyncIterator[StoredEvent]:
    """One partition's events from `start` to its end, page after page."""
    while True:
        page = await engine.log.read(partition, start, limit, only)
        for event in page.events:
            yield event
        if page.next == start:
            return
        assert start < page.next <= await engine.log.head(partition), "a page leads back, or beyond the end"
        start = page.next


async def log_of(engine: Engine, only: LogFilter | None = EVERYTHING) -> list[StoredEvent]:
    """The events of the whole store, partition by partition."""
    return [
        event for partition in range(engine.log.partitions) async for event in read_on(engine, partition, only=only)
    ]


async def contents(engine: Engine, *keys: UniqueKey) -> dict[str, object]:
    """What an append may change, so that two moments can be compared; the holders of these keys among it."""
    log = await log_of(engine)
    streams = sorted({event.stream for event in log} | {str(ANN), str(BOB)})
    await engine.read_model_schema.ensure([Tally])
    return {
        "log": log,
        "log heads": [await engine.log.head(partition) for partition in range(engine.log.partitions)],
        "heads": {stream: await engine.events.head(StreamId.parse(stream)) for stream in streams},
        "users": await engine.events.count("user"),
        "holders": {key: await engine.unique_keys.holder(key) for key in keys},
        "commands": await engine.commands.list(1_000),
        "rows": [msgspec.structs.asdict(row) for row in await engine.read_models.find(Tally, Selection())],
    }
