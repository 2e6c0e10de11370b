"""Two engines, one history of appends: whatever is asked of both, they answer alike."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from headwater.domain.append import Append, Check, CommandRecord, UniqueKey, Write
from headwater.domain.event import NewEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact, ExpectedVersion
from headwater.models.changes import Change
from headwater.ports.engine import Engine
from headwater.ports.log import LogFilter
from headwater.ports.snapshots import Snapshot
from headwater.testing.conformance import strategies as draw
from headwater.testing.conformance.agreement import Agreement
from headwater.testing.controls import atomic, contents, read_on

__all__ = ["EnginesAgree"]


class EnginesAgree(Agreement):
    """Derive with `make_engines`; `TestCase` of the subclass is the test."""

    def __init__(self) -> None:
        super().__init__()
        self.used: list[NewEvent] = []

    def compare(self) -> None:
        keys = [UniqueKey("mail", value) for value in "ab"]
        self.agree(lambda engine: contents(engine, *keys))
        self.agree(_streams)
        self.agree(lambda engine: engine.leases.holders())
        self.agree(lambda engine: engine.admin.streams())

    # -- appends -----------------------------------------------------------

    def _expected(self, stream: StreamId, expected: ExpectedVersion | None) -> ExpectedVersion:
        return Exact(self.runner.run(self.engines[0].events.head(stream))) if expected is None else expected

    def _write(self, draw_from: st.DataObject, stream: StreamId) -> Write:
        events = draw_from.draw(draw.EVENTS)
        if self.used and draw_from.draw(st.integers(0, 19)) == 19:
            events.append(draw_from.draw(st.sampled_from(self.used)))
        self.used += events
        return Write(
            stream=stream,
            expected=self._expected(stream, draw_from.draw(draw.EXPECTED)),
            events=tuple(events),
            claims=draw_from.draw(draw.KEYS),
            releases=draw_from.draw(draw.KEYS),
            partition_key=draw_from.draw(draw.PARTITION_KEYS),
        )

    @rule(data=st.data(), stream=draw.STREAMS, command=draw.COMMANDS, context=draw.CONTEXTS)
    def append(self, data: st.DataObject, stream: StreamId, command: CommandRecord | None, context: bytes) -> None:
        append = Append(writes=(self._write(data, stream),), command=command, context=context)
        self.agree(lambda engine: engine.events.append(append))

    @rule(
        data=st.data(),
        streams=st.lists(draw.STREAMS, max_size=3),
        checked=st.lists(st.tuples(draw.STREAMS, draw.EXPECTED), max_size=2),
        command=draw.COMMANDS,
        changes=draw.CHANGES,
    )
    def append_atomic(
        self,
        data: st.DataObject,
        streams: list[StreamId],
        checked: list[tuple[StreamId, ExpectedVersion | None]],
        command: CommandRecord | None,
        changes: list[Change],
    ) -> None:
        append = Append(
            writes=tuple([self._write(data, stream) for stream in streams]),
            command=command,
            checks=tuple(Check(stream, self._expected(stream, expected)) for stream, expected in checked),
            changes=tuple(changes),
        )
        self.agree(lambda engine: atomic(engine).append_atomic(append))

    @rule(command=draw.COMMANDS)
    def record_refused(self, command: CommandRecord | None) -> None:
        if command is not None:
            self.agree(lambda engine: engine.commands.record(_refused(command)))

    # -- reads -------------------------------------------------------------

    @rule(stream=draw.STREAMS, after=draw.VERSIONS, up_to=st.none() | draw.VERSIONS)
    def load(self, stream: StreamId, after: int, up_to: int | None) -> None:
        self.agree(lambda engine: engine.events.load(stream, after, up_to))
        self.agree(lambda engine: _folded(engine, stream, after))
        self.agree(lambda engine: engine.log.offset_of(str(stream), after))
        self.agree(lambda engine: engine.events.count(stream.category))

    @rule(start=draw.VERSIONS, limit=st.integers(0, 4), only=draw.FILTERS)
    def read_log(self, start: int, limit: int, only: LogFilter | None) -> None:
        self.agree(lambda engine: _page(engine, start, limit, only))

    @rule(limit=st.integers(0, 4), name=st.sampled_from([None, "Note", "Other"]), refused=st.none() | st.booleans())
    def list_commands(self, limit: int, name: str | None, refused: bool | None) -> None:
        self.agree(lambda engine: engine.commands.list(limit, name, refused))

    @rule(seconds=st.sampled_from([-0.000003, 0.000001, 0.000002, 1, -3]))
    def move_clock(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # -- leases and snapshots ----------------------------------------------

    @rule(name=draw.WORKS, owner=draw.OWNERS, ttl=st.sampled_from([0.000002, 2]))
    def acquire(self, name: str, owner: str, ttl: float) -> None:
        self.agree(lambda engine: engine.leases.acquire(name, owner, ttl))

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        held = self.runner.run(self.engines[0].leases.holders())
        if held:
            lease = data.draw(st.sampled_from(held))
            self.agree(lambda engine: engine.leases.release(lease))

    @rule(data=st.data(), seconds=st.sampled_from([0.000002, 1]))
    def back_off(self, data: st.DataObject, seconds: float) -> None:
        held = self.runner.run(self.engines[0].leases.holders())
        if held:
            lease = data.draw(st.sampled_from(held))
            self.agree(lambda engine: engine.leases.back_off(lease, seconds))

    @rule(snapshot=draw.SNAPSHOTS)
    def save_snapshot(self, snapshot: Snapshot) -> None:
        self.agree(lambda engine: engine.snapshots.save(snapshot))
        self.agree(lambda engine: engine.snapshots.load(snapshot.stream, snapshot.kind))

    @rule(snapshot=draw.SNAPSHOTS)
    def delete_snapshots(self, snapshot: Snapshot) -> None:
        self.agree(lambda engine: engine.snapshots.delete(snapshot.stream))


async def _page(engine: Engine, start: int, limit: int, only: LogFilter | None) -> object:
    """What reading on finds; how far one page gets past what it leaves out is the engine's own affair."""
    page = await engine.log.read(0, start, limit, only)
    assert len(page.events) <= limit
    return [event async for event in read_on(engine, 0, start, limit or 1, only)]


async def _streams(engine: Engine) -> object:
    streams = [StreamId.parse(found.stream) for found in await engine.admin.streams()]
    return [(list(await engine.events.load(stream)), await _folded(engine, stream, 0)) for stream in streams]


async def _folded(engine: Engine, stream: StreamId, after: int) -> object:
    folded = await engine.events.fold_rows(stream, after)
    return folded.version, list(folded.rows)


def _refused(command: CommandRecord) -> CommandRecord:
    return CommandRecord(
        id=command.id, name=command.name, fingerprint=command.fingerprint, error="TooLate: come earlier"
    )
