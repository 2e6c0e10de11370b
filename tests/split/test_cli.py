"""The verbs of the command line on two stores."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headwater.cli.program import program
from tests.projections.mail import Mailing, Post
from tests.split.application import POISON
from tests.split.conftest import Stores
from tests.split.shop import Add, add, shop, stock, units

pytestmark = pytest.mark.parametrize("stores", ["sqlite", "postgres"], indirect=True)


class Line:
    """`line("status")` is `headwater status` on both stores; with `app`, on the application."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores

    def __call__(self, *arguments: str, app: bool = False, **more: str) -> Result:
        url, read_url = self.stores
        environment = {
            "COLUMNS": "200",
            "HEADWATER_APP": None,
            "HEADWATER_URL": None,
            "HEADWATER_READ_URL": None,
            **more,
        }
        if app:
            environment |= {"HEADWATER_APP": "tests.split.application:app"}
            environment |= {"HEADWATER_URL": url, "HEADWATER_READ_URL": read_url}
        else:
            arguments = (*arguments, "--url", url, "--read-url", read_url)
        return CliRunner().invoke(program, arguments, env=environment)

    def json(self, *arguments: str, app: bool = False, code: int = 0, **more: str) -> Any:
        result = self(*arguments, "--json", app=app, **more)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)


@pytest.fixture
def line(stores: Stores) -> Line:
    """Thirty events and a bad one, projected as far as they go."""
    asyncio.run(filled(stores))
    return Line(stores)


async def filled(stores: Stores) -> None:
    async with shop(*stores, Mailing(Post(), {POISON})) as cqrs:
        await add(cqrs, 30)
        await cqrs.commands.execute(Add(id="0", units=POISON))
        await cqrs.synchronizer.caught_up()


async def served(stores: Stores) -> dict[str, tuple[int, int]]:
    cqrs = shop(*stores)
    await cqrs.initialize(run_projections=False)
    try:
        return await stock(cqrs)
    finally:
        await cqrs.close()


def test_looking(line: Line, stores: Stores) -> None:
    status = line.json("status")
    assert status["engine"].startswith("sqlite with read models in ")
    assert (status["events"], status["streams"]) == (31, 3)
    assert {name.partition(":")[0] for name in status["details"]} == {"log", "read models"}
    [one] = status["projections"]
    assert (one["projection"], one["offset"], one["parked"]) == ("mailing", 31, 1)
    assert line.json("projections", "status")[0]["offset"] == 31
    assert line.json("verify")["events"] == 31
    assert line("doctor").exit_code in (0, 1)
    [parked] = line.json("dlq", "ls")
    assert (parked["key"], parked["offset"]) == ("item-0", 30)
    assert isinstance(line.json("journal"), list)


def test_acting(line: Line, stores: Stores) -> None:
    assert line("projections", "pause", "mailing", app=True).exit_code == 0
    assert line.json("projections", "status")[0]["condition"] == "paused"
    assert line("projections", "resume", "mailing", app=True).exit_code == 0
    assert line("projections", "rebuild", "mailing", "--yes", app=True).exit_code == 0
    assert line("dlq", "retry", "mailing", app=True, GOOD_NOW="1").exit_code == 0
    assert line.json("dlq", "ls") == []
    assert asyncio.run(served(stores)) == units(30) | {"item-0": (10 + POISON, 11)}
    assert line("consistency", "check", app=True, GOOD_NOW="1").exit_code == 0
    assert {result["outcome"] for result in line.json("consistency", "results")} == {"ok"}
    assert {entry["subject"] for entry in line.json("journal")} >= {"mailing"}


def test_stores_that_do_not_belong_together_are_refused(line: Line, stores: Stores, tmp_path: Path) -> None:
    log, views = stores
    asyncio.run(filled((f"sqlite:///{tmp_path}/other.db", f"sqlite:///{tmp_path}/others.db")))
    refused = Line((f"sqlite:///{tmp_path}/other.db", views))("status")
    assert refused.exit_code != 0
    assert "follow the log of store" in refused.output
    missing = Line((log, f"sqlite:///{tmp_path}/missing.db"))("status")
    assert missing.exit_code != 0
    assert "there is no store" in missing.output
    assert not (tmp_path / "missing.db").exists()
