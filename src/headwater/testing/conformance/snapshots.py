"""The law of Snapshots: the latest, whole, or none."""

from __future__ import annotations

from headwater.ports.engine import Engine
from headwater.ports.snapshots import Snapshot

__all__ = ["SnapshotsConformance"]


def snapshot(version: int, state: bytes = b"state", stream: str = "user-ann", kind: str = "User/1") -> Snapshot:
    return Snapshot(stream=stream, kind=kind, version=version, state=state)


class SnapshotsConformance:
    """Enrol with the fixture `engine`."""

    async def test_there_is_none_at_first(self, engine: Engine) -> None:
        assert await engine.snapshots.load("user-ann", "User/1") is None

    async def test_what_was_saved_comes_back(self, engine: Engine) -> None:
        for state in (b"\x00\xff", b"", bytes(range(256)) * 1_000):
            await engine.snapshots.save(snapshot(3, state))
            assert await engine.snapshots.load("user-ann", "User/1") == snapshot(3, state)

    async def test_a_later_one_replaces_and_an_earlier_one_does_not(self, engine: Engine) -> None:
        for version, kept in ((3, 3), (5, 5), (4, 5), (5, 5), (6, 6)):
            await engine.snapshots.save(snapshot(version, b"of %d" % version))
            assert await engine.snapshots.load("user-ann", "User/1") == snapshot(kept, b"of %d" % kept)

    async def test_stream_and_kind_tell_them_apart(self, engine: Engine) -> None:
        mine = [snapshot(9), snapshot(2, kind="User/2"), snapshot(3, stream="user-bob")]
        for one in mine:
            await engine.snapshots.save(one)
        assert [await engine.snapshots.load(one.stream, one.kind) for one in mine] == mine
        assert await engine.snapshots.load("user-ann", "User/3") is None

    async def test_delete_forgets_every_kind_of_a_stream(self, engine: Engine) -> None:
        for one in (snapshot(9), snapshot(2, kind="User/2"), snapshot(3, stream="user-bob")):
            await engine.snapshots.save(one)
        await engine.snapshots.delete("user-ann")
        await engine.snapshots.delete("user-nobody")
        assert await engine.snapshots.load("user-ann", "User/1") is None
        assert await engine.snapshots.load("user-ann", "User/2") is None
        assert await engine.snapshots.load("user-bob", "User/1") == snapshot(3, stream="user-bob")

    async def test_after_a_delete_an_earlier_one_may_be_saved(self, engine: Engine) -> None:
        await engine.snapshots.save(snapshot(9))
        await engine.snapshots.delete("user-ann")
        await engine.snapshots.save(snapshot(1))
        assert await engine.snapshots.load("user-ann", "User/1") == snapshot(1)
