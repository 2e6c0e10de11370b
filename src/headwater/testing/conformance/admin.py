"""The law of Admin: counts that are true, and a store that verifies."""

from __future__ import annotations

from headwater.domain.stream import StreamId
from headwater.ports.admin import Finding
from headwater.ports.engine import Engine
from headwater.testing.clock import START
from headwater.testing.controls import ANN, BOB, MAIL, append_of, command_of, new_event

__all__ = ["AdminConformance"]


async def verified(engine: Engine) -> tuple[list[Finding], int]:
    """What `verify` found, and how many events it checked."""
    findings: list[Finding] = []
    checked = 0
    async for step in engine.admin.verify():
        if isinstance(step, Finding):
            findings.append(step)
        else:
            assert step >= checked
            checked = step
    return findings, checked


class AdminConformance:
    """Enrol with the fixture `engine`."""

    async def test_info_counts_events_and_streams(self, engine: Engine) -> None:
        empty = await engine.admin.info()
        assert (empty.engine, empty.partitions) == (engine.name, engine.log.partitions)
        assert (empty.events, empty.streams) == (0, 0)
        assert empty.store_id
        await engine.events.append(append_of(ANN, [new_event(), new_event(topic="out")]))
        await engine.events.append(append_of(BOB, 3))
        info = await engine.admin.info()
        assert (info.events, info.streams) == (5, 2)
        assert info.size_bytes > 0
        assert (info.store_id, info.format) == (empty.store_id, empty.format)

    async def test_streams_are_listed_by_name_in_pages(self, engine: Engine) -> None:
        assert list(await engine.admin.streams()) == []
        names = ["account-1", "user-10", "user-9", "users-1"]
        for name in reversed(names):
            await engine.events.append(append_of(StreamId.parse(name), 2))
        listed = engine.admin.streams
        assert [found.stream for found in await listed()] == names
        assert [found.stream for found in await listed(limit=2)] == names[:2]
        assert [found.stream for found in await listed("user-10", 2)] == names[2:]
        assert [found.stream for found in await listed("user-1")] == names[1:]
        assert [found.stream for found in await listed(category="user")] == ["user-10", "user-9"]
        assert [found.stream for found in await listed("user-10", 1, "user")] == ["user-9"]
        assert list(await listed(limit=0)) == []
        assert list(await listed("users-1")) == []

    async def test_a_stream_tells_its_version_and_time(self, engine: Engine) -> None:
        await engine.events.append(append_of(ANN, 3))
        [found] = await engine.admin.streams()
        assert (found.stream, found.version, found.last_timestamp) == ("user-ann", 3, START + 2)

    async def test_a_healthy_store_verifies(self, engine: Engine) -> None:
        assert await verified(engine) == ([], 0)
        for number in range(30):
            await engine.events.append(append_of(StreamId("user", str(number)), 40, command=command_of(str(number))))
        await engine.events.append(append_of(ANN, 2, claims=(MAIL,)))
        assert await verified(engine) == ([], 1_202)

    async def test_doctor_speaks_of_errors_and_warnings(self, engine: Engine) -> None:
        assert {finding.severity for finding in await engine.admin.doctor()} <= {"error", "warning"}
