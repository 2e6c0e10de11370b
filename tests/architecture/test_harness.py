"""The harness of these tests can fail: a blocked loop is an error, and so is a skip where none is allowed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import apsw
import pytest
from blockbuster import BlockingError

import headwater.domain
from tests.architecture.modules import ROOT

SKIPS = """
import pytest

def test_left_out():
    pytest.skip("no server here")

@pytest.mark.xfail(reason="known")
def test_known():
    raise AssertionError
"""


def run_pytest(folder: Path, no_skip: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_skips.py").write_text(SKIPS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml"), str(folder)]
    environment = {**os.environ, "HEADWATER_NO_SKIP": no_skip, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


async def test_waiting_on_the_loop_is_an_error() -> None:
    with pytest.raises(BlockingError):
        time.sleep(0)  # noqa: ASYNC251 - the call that must be caught
    held = threading.Lock()
    held.acquire()
    with pytest.raises(BlockingError):
        held.acquire()


async def test_a_file_touched_by_headwater_on_the_loop_is_an_error(tmp_path: Path) -> None:
    source = compile("def touch(path): path.stat()", headwater.domain.__file__, "exec")
    scope: dict[str, object] = {}
    exec(source, scope)
    touch = scope["touch"]
    assert callable(touch)
    with pytest.raises(BlockingError):
        touch(tmp_path)
    await asyncio.to_thread(touch, tmp_path)


async def test_sqlite_works_on_a_thread_of_its_own(tmp_path: Path) -> None:
    def write_and_read() -> list[tuple[object, ...]]:
        connection = apsw.Connection(str(tmp_path / "store"))
        connection.execute("create table t(n); insert into t values (1)")
        return list(connection.execute("select n from t"))

    assert await asyncio.to_thread(write_and_read) == [(1,)]


def test_a_skip_is_named_in_the_summary(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, no_skip="0")
    assert done.returncode == 0, done.stdout
    assert "NOT RUN: 1 skipped" in done.stdout
    assert "test_skips.py::test_left_out: no server here" in done.stdout


def test_a_skip_fails_where_nothing_may_be_skipped(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, no_skip="1")
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 xfailed" in done.stdout
