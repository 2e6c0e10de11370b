"""A store with a few events, and the command line in this process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner, Result

from headwater import CQRSManager
from headwater.cli.program import program
from tests.cli.application import Announce, Notice, board

ESCAPES = "\x1b[31mred\x1b[0m\u202e"
APP = "tests.cli.application:app"


class Line:
    """`line("status")` is `headwater status` on the store of the test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.path = Path(url.removeprefix("sqlite:///"))

    def __call__(self, *arguments: str, app: str | None = APP, url: str | None = None, keys: str = "") -> Result:
        environment = {"HEADWATER_URL": url or self.url, "HEADWATER_APP": app, "COLUMNS": "200"}
        return CliRunner().invoke(program, arguments, env=environment, input=keys)

    def json(self, *arguments: str, code: int = 0) -> object:
        """What it prints with --json."""
        result = self(*arguments, "--json")
        assert result.exit_code == code, result.stderr
        return json.loads(result.stdout)

    def rows(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        """The array it prints with --json."""
        return cast("list[dict[str, Any]]", self.json(*arguments, code=code))

    def start(self, *arguments: str, app: str = APP, stdin: int | None = None, **more: str) -> subprocess.Popen[str]:
        """`headwater` in a process of its own."""
        command = [sys.executable, "-m", "headwater.cli", *arguments]
        environment = {"HEADWATER_URL": self.url, "HEADWATER_APP": app, "PATH": "", **more}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdin=stdin, stdout=pipe, stderr=pipe, text=True)

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Where the one projection stands, as soon as that holds; the test's time limit is the limit."""
        while True:
            (one,) = self.rows("projections", "status")
            if holds(one):
                return one

    def announce(self, *texts: Sequence[str]) -> None:
        """Commit (id, text) pairs and project them."""
        asyncio.run(_announce(self.url, texts))

    def project(self, app: Callable[[], CQRSManager], timeout: float = 30.0) -> None:
        """Run an application until its projections have caught up; it finds the store in HEADWATER_URL."""
        asyncio.run(_project(app(), timeout))

    def texts(self) -> dict[str, str]:
        """The notices that are served, by stream."""
        return asyncio.run(_texts(board(self.url)))

    def announce_only(self, id: str, text: str) -> None:
        """Commit one, and leave projecting it to others."""
        asyncio.run(_announce_only(self.url, id, text))


async def _project(cqrs: CQRSManager, timeout: float) -> None:
    async with cqrs:
        await cqrs.synchronizer.caught_up(timeout)


async def _texts(cqrs: CQRSManager) -> dict[str, str]:
    await cqrs.initialize(run_projections=False)
    try:
        return {row.id: row.text for row in await cqrs.read_models.find(Notice)}
    finally:
        await cqrs.close()


async def _announce_only(url: str, id: str, text: str) -> None:
    cqrs = board(url)
    await cqrs.initialize(run_projections=False)
    try:
        await cqrs.commands.execute(Announce(id=id, text=text))
    finally:
        await cqrs.close()


async def _announce(url: str, texts: Sequence[Sequence[str]]) -> None:
    async with board(url) as cqrs:
        for id, text in texts:
            await cqrs.commands.execute(Announce(id=id, text=text))
        await cqrs.synchronizer.caught_up()


@pytest.fixture
def line(tmp_path: Path) -> Line:
    """Three events in two streams, all projected."""
    made = Line(f"sqlite:///{tmp_path}/board.db")
    made.announce(("a", "one"), ("a", "two"), ("b", ESCAPES))
    return made
