"""The retail job on the whole file: minutes each, so `make proof` runs it and `make test` does not collect it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from headwater.demo.retail.figures import figures
from headwater.demo.retail.projections import PROJECTIONS
from headwater.demo.retail.shop import shop
from headwater.demo.truth import compare, find_truth
from headwater.projections.handler import ProjectionHandler
from tests.scenarios.retail_runs import finish, kill_at, retail

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]


@pytest.fixture(scope="module")
def file(data: Callable[[str], Path]) -> Path:
    return data("online_retail") / "events.csv.xz"


@pytest.fixture(scope="module")
def lines(file: Path) -> int:
    """How many the file has, by the truth beside it."""
    return cast("int", json.loads((file.parent / "truth.json").read_text())["events"])


@pytest.fixture(scope="module")
def fresh(file: Path, lines: int, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store that one process has written from end to end, equal to the truth."""
    url = f"sqlite:///{tmp_path_factory.mktemp('fresh')}/retail.db"
    assert finish(retail(file, url))["events"] == lines
    return url


def test_run_again_it_sends_nothing(file: Path, lines: int, fresh: str) -> None:
    again = finish(retail(file, fresh))
    assert (again["commands"], again["commands_known"]) == (0, lines)


@pytest.mark.parametrize("projection", PROJECTIONS)
async def test_a_rebuilt_read_model_equals_the_truth(
    file: Path, lines: int, fresh: str, projection: type[ProjectionHandler]
) -> None:
    truth = await asyncio.to_thread(find_truth, file.parent, lines)
    assert truth is not None
    async with shop(fresh, run_projections=False) as cqrs:
        assert (await cqrs.synchronizer.rebuild_read_model(projection)).done == lines
        assert compare(await figures(cqrs), truth[1]).different == ()


async def test_killed_in_the_middle_it_goes_on(file: Path, lines: int, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/retail.db"
    left = await kill_at(retail(file, url), url, lines // 2)
    assert left < lines
    resumed = await asyncio.to_thread(finish, retail(file, url))
    assert resumed["events"] == lines
    assert cast("int", resumed["commands_known"]) >= left


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("url", ["sqlite", "cassandra"], indirect=True)
def test_four_processes_share_one_store(file: Path, lines: int, url: str) -> None:
    shared = finish(retail(file, url, "--processes", "4"))
    assert (shared["commands"], shared["processes"]) == (lines, 4)


@pytest.mark.parametrize("url", ["cassandra"], indirect=True)
def test_twenty_thousand_lines_equal_the_truth(file: Path, url: str) -> None:
    shared = finish(retail(file, url, "--processes", "3", "--lines", "20000"))
    assert (shared["commands"], shared["processes"]) == (20_000, 3)
