"""`headwater copy`: what it prints, and how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

from headwater.engines.sqlite import open_engine
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, append_of
from tests.cli.conftest import Line


def test_it_says_that_both_are_equal(line: Line, tmp_path: Path) -> None:
    there = f"sqlite:///{tmp_path}/there.db"
    copied = line("copy", line.url, there)
    assert copied.exit_code == 0, copied.stderr
    assert copied.stdout.startswith("equal in both: 2 streams, 3 events,")
    again = line.json("copy", line.url, there)
    assert isinstance(again, dict)
    assert (again["new_events"], again["behind"], again["differences"]) == (0, 0, [])


def test_a_difference_ends_it_with_1(line: Line, tmp_path: Path) -> None:
    there = f"sqlite:///{tmp_path}/there.db"
    assert line("copy", line.url, there).exit_code == 0
    asyncio.run(append(there))
    copied = line("copy", line.url, there)
    assert copied.exit_code == 1
    assert "the events are not the same in both" in copied.stderr


async def append(url: str) -> None:
    engine = open_engine(url, EngineOptions())
    await engine.open()
    await engine.events.append(append_of(ANN))
    await engine.close()


def test_a_copy_that_would_not_last_is_refused(line: Line) -> None:
    copied = line("copy", line.url, "memory://")
    assert copied.exit_code == 2
    assert "name a store that lasts" in copied.stderr


def test_a_source_that_is_not_there_is_not_made(line: Line, tmp_path: Path) -> None:
    copied = line("copy", f"sqlite:///{tmp_path}/none.db", f"sqlite:///{tmp_path}/there.db")
    assert copied.exit_code != 0
    assert not (tmp_path / "none.db").exists()
    assert not (tmp_path / "there.db").exists()
