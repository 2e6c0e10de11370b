"""Verbs that run until they are told to stop, in processes of their own."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

from headwater.cli.exits import ExitCode
from headwater.engines.sqlite import SqliteEngine
from headwater.opening import open_engine
from headwater.ports.engine import EngineOptions
from tests.cli.conftest import Line


async def left_behind(url: str) -> tuple[list[int], list[str]]:
    """What a store keeps of its projections: the offsets of checkpoints, and the names of leases."""
    engine = open_engine(url, EngineOptions())
    assert isinstance(engine, SqliteEngine)
    await engine.open()
    try:
        offsets = [kept.offset for kept in await engine.projections.checkpoints()]
        return offsets, [lease.name for lease in await engine.leases.holders()]
    finally:
        await engine.close()


def test_run_projects_until_it_is_told_to_stop(line: Line) -> None:
    line.announce_only("c", "late")
    with line.start("run") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "running notices\n"
        one = line.until(lambda one: one["lag"] == 0)
        assert (one["condition"], one["owner"].split(":")[1]) == ("elsewhere", str(running.pid))
        running.send_signal(signal.SIGTERM)
        _, complaint = running.communicate()
    assert running.returncode == 0, complaint
    assert "stopping, within 15 s" in complaint
    assert line.texts()["board-c"] == "late"
    assert asyncio.run(left_behind(line.url)) == ([4], [])


def test_a_signal_lets_the_page_at_hand_come_to_its_end(line: Line, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    with line.start("run", HOLD=str(go_on)) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == "running notices\n"
        line.announce_only("c", "late")
        assert running.stdout.readline() == "holding\n"
        running.send_signal(signal.SIGTERM)
        assert running.stderr.readline() == "headwater: stopping, within 15 s\n"
        line.announce_only("d", "after the signal")
        go_on.touch()
        _, complaint = running.communicate()
    assert running.returncode == 0, complaint
    assert {"board-c", "board-d"} & set(line.texts()) == {"board-c"}
    assert asyncio.run(left_behind(line.url)) == ([4], [])


def test_a_second_signal_does_not_wait_for_the_first(line: Line) -> None:
    with line.start("run", "--drain", "600", HANG="1") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == "running notices\n"
        line.announce_only("c", "late")
        assert running.stdout.readline() == "hanging\n"
        running.send_signal(signal.SIGTERM)
        assert running.stderr.readline() == "headwater: stopping, within 600 s\n"
        running.send_signal(signal.SIGTERM)
        _, complaint = running.communicate()
    assert running.returncode == ExitCode.INTERRUPTED
    assert complaint.endswith("headwater: stopped in the middle\n")
    assert asyncio.run(left_behind(line.url)) == ([3], [])


def test_a_followed_tail_shows_what_comes(line: Line) -> None:
    with line.start("streams", "tail", "-f", "-n", "1") as tail:
        assert tail.stdout is not None
        assert "board-b" in tail.stdout.readline()
        line.announce(("z", "just now"))
        assert "just now" in tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        _, complaint = tail.communicate()
    assert tail.returncode == ExitCode.INTERRUPTED
    assert complaint == "headwater: interrupted\n"


def test_a_watched_status_is_shown_again(line: Line) -> None:
    with line.start("projections", "status", "--watch", "--json") as watch:
        assert watch.stdout is not None
        assert json.loads(watch.stdout.readline())[0]["head"] == 3
        line.announce_only("c", "late")
        while json.loads(watch.stdout.readline())[0]["lag"] != 1:
            pass
        watch.send_signal(signal.SIGINT)
        watch.communicate()
    assert watch.returncode == ExitCode.INTERRUPTED


def test_a_watched_table_follows_the_one_before(line: Line) -> None:
    with line.start("projections", "status", "--watch") as watch:
        assert watch.stdout is not None
        for _ in range(2):
            assert watch.stdout.readline() == "\n"
            assert watch.stdout.readline().startswith("projection")
            assert watch.stdout.readline().startswith("notices")
        watch.send_signal(signal.SIGINT)
        watch.communicate()


def interrupt_rebuild(line: Line, tmp_path: Path) -> None:
    """Leave generation 1 behind, being built."""
    with line.start("projections", "rebuild", "notices", HOLD=str(tmp_path / "never")) as rebuild:
        assert rebuild.stdout is not None
        assert rebuild.stdout.readline() == "holding\n"
        rebuild.send_signal(signal.SIGINT)
        _, complaint = rebuild.communicate()
    assert rebuild.returncode == ExitCode.INTERRUPTED
    assert "whoever runs the projection goes on with it" in complaint
    assert "headwater projections cancel notices" in complaint
    assert states(line) == [(0, "serving"), (1, "building")]


def states(line: Line) -> list[tuple[int, str]]:
    return [(one["generation"], one["state"]) for one in line.rows("projections", "status")]


def test_an_interrupted_rebuild_is_left_to_whoever_runs_the_projection(line: Line, tmp_path: Path) -> None:
    interrupt_rebuild(line, tmp_path)
    said = line("projections", "status").stdout
    assert "notices, generation 1 (building), is 3 events behind" in said
    with line.start("run") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "running notices\n"
        while states(line) != [(0, "previous"), (1, "serving")]:
            pass
        running.send_signal(signal.SIGTERM)
        running.communicate()
    assert len(line.texts()) == 2


def test_an_interrupted_rebuild_is_cancelled(line: Line, tmp_path: Path) -> None:
    interrupt_rebuild(line, tmp_path)
    assert "is dropped" in line("projections", "cancel", "notices", "--yes").stdout
    assert states(line) == [(0, "serving")]
