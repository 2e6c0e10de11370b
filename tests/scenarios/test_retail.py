"""The retail job, whole: equal to the truth however it is interrupted, shared out or rebuilt."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from headwater.demo.retail.data import find_source
from headwater.demo.retail.figures import figures
from headwater.demo.retail.job import Job, run_job
from headwater.demo.retail.lines import COLUMNS
from headwater.demo.retail.projections import PROJECTIONS
from headwater.demo.retail.shop import shop
from headwater.demo.truth import compare, find_truth
from headwater.projections.handler import ProjectionHandler
from tests.demo.retail.rows import generated
from tests.demo.retail.truth_by_hand import truth_of
from tests.scenarios.retail_runs import HEADWATER, Silent, finish, kill_at, retail
from tests.stores import on_shared_stores

LINES = 2_000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated lines with their truth beside them."""
    rows = generated(LINES)
    folder = tmp_path_factory.mktemp("retail")
    with (folder / "events.csv").open("w", newline="") as text:
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    (folder / "truth.json").write_text(json.dumps(truth_of(rows)))
    return folder / "events.csv"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("url", "processes"),
    [("memory", 1), ("sqlite", 1), ("postgres", 3)],
    indirect=["url"],
)
async def test_twenty_thousand_lines_equal_the_truth(data: Callable[[str], Path], url: str, processes: int) -> None:
    folder = data("online_retail")
    source = await asyncio.to_thread(find_source, folder / "events.csv.xz", 20_000)
    outcome = await run_job(Job(source=source, url=url, processes=processes), Silent())
    truth = await asyncio.to_thread(find_truth, folder, 20_000)
    assert truth is not None
    compared = compare(outcome.figures, truth[1])
    assert compared.different == ()
    assert len(compared.equal) >= 20


@pytest.mark.timeout(180)
@on_shared_stores
async def test_killed_in_the_middle_it_goes_on_and_nothing_happens_twice(file: Path, url: str) -> None:
    reaches = (LINES // 4, LINES // 2)
    left = [await kill_at(retail(file, url), url, reach) for reach in reaches]
    resumed = await asyncio.to_thread(finish, retail(file, url))
    assert resumed["events"] == LINES
    assert left[-1] < LINES
    assert cast("int", resumed["commands"]) + cast("int", resumed["commands_known"]) == LINES
    assert cast("int", resumed["commands_known"]) >= left[-1]


@pytest.mark.timeout(180)
@on_shared_stores
def test_four_processes_share_one_store(file: Path, url: str) -> None:
    shared = finish(retail(file, url, "--processes", "4"))
    assert (shared["commands"], shared["processes"]) == (LINES, 4)
    again = finish(retail(file, url, "--processes", "2"))
    assert (again["commands"], again["commands_known"]) == (0, LINES)


@pytest.mark.timeout(180)
@on_shared_stores
async def test_every_read_model_is_the_same_after_a_rebuild(file: Path, url: str) -> None:
    source = await asyncio.to_thread(find_source, file, None)
    before = (await run_job(Job(source=source, url=url), Silent())).figures
    async with shop(url, run_projections=False) as cqrs:
        for projection in cast("tuple[type[ProjectionHandler], ...]", PROJECTIONS):
            progress = await cqrs.synchronizer.rebuild_read_model(projection)
            assert progress.done == LINES
            assert await figures(cqrs) == before


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("here", "there"), [("sqlite", "postgres"), ("postgres", "cassandra"), ("cassandra", "sqlite")]
)
def test_a_copy_on_another_engine_gives_the_same_figures(
    file: Path, url_of: Callable[[str], str], here: str, there: str
) -> None:
    """Those of the truth, which each run checks."""
    finish(retail(file, url_of(here)))
    copied = finish([*HEADWATER, "copy", url_of(here), url_of(there), "--json"])
    assert (copied["events"], copied["commands"], copied["differences"]) == (LINES, LINES, [])
    after = finish(retail(file, url_of(there)))
    assert (after["commands"], after["commands_known"]) == (0, LINES)
