"""Standings: what a process remembers of streams, and what it forgets."""

from __future__ import annotations

from headwater.domain.append import CommandRecord
from headwater.engines.cassandra.appending.standings import Standing, Standings
from headwater.engines.cassandra.protocol.place import Place


def standing(stream: str, version: int, chunk: int = 0) -> Standing:
    return Standing(Place(0, stream, chunk, version, version, None), is_complete=True)


def test_what_is_doubtful_is_forgotten_but_for_its_chunk() -> None:
    standings = Standings()
    standings.keep("user-a", standing("user-a", 20_005, chunk=2))
    standings.keep("user-b", standing("user-b", 3))
    for stream in ("user-a", "user-b"):
        standings.forget(stream)
        assert standings.find(stream) is None
    assert [standings.chunk_of(stream) for stream in ("user-a", "user-b", "user-c")] == [2, 0, 0]
    standings.clear()
    assert standings.chunk_of("user-a") == 0


def test_an_append_is_remembered_with_its_command() -> None:
    before, record = standing("user-a", 1), CommandRecord(id="c1", name="Note", fingerprint=b"")
    after = before.after(Place(0, "user-a", 0, 2, 2, None), record)
    assert (after.place.version, after.commands, after.is_complete) == (2, {"c1": record}, True)
    assert before.commands == {}


def test_the_oldest_are_forgotten() -> None:
    standings = Standings()
    for number in range(10_001):
        standings.keep(f"user-{number}", standing(f"user-{number}", 1))
    assert standings.find("user-0") is None
    assert standings.find("user-1") is not None
