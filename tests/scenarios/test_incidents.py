"""The incidents job: equal to the truth live, rebuilt, and however it is interrupted."""

from __future__ import annotations

import asyncio
import csv
import lzma
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import cast

import pytest

from headwater.demo.incidents.data import Source, find_source
from headwater.demo.incidents.desk import desk
from headwater.demo.truth import compare
from tests.demo.incidents.rows import generated, write
from tests.demo.incidents.truth_by_hand import truth_of
from tests.scenarios.incidents_runs import figures_after_rebuilds, incidents, live_figures
from tests.scenarios.retail_runs import finish, kill_at
from tests.stores import on_shared_stores

LINES = 20_000
FEW = 2_000


@pytest.fixture(scope="module")
def source(data: Callable[[str], Path]) -> Source:
    """The first entries of the real log."""
    return find_source(data("incidents") / "events.csv.xz", LINES)


@pytest.fixture(scope="module")
def truth(source: Source) -> dict[str, object]:
    """Made of the file's rows alone."""
    assert source.path is not None
    with lzma.open(source.path, "rt", encoding="utf-8", newline="") as text:
        return truth_of(list(islice(csv.DictReader(text), LINES)))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
async def test_twenty_thousand_entries_equal_the_truth_live_and_rebuilt(
    url: str, source: Source, truth: dict[str, object]
) -> None:
    async with desk(url) as cqrs:
        live = await live_figures(cqrs, source)
        rebuilt = await figures_after_rebuilds(cqrs)
    compared = compare(live, truth)
    assert compared.different == ()
    assert len(compared.equal) == len(truth) == len(live)
    assert live["sum_final_reassignment_count"] == live["rows_where_reassignment_count_rises"]
    assert live["sum_final_reopen_count"] == live["rows_where_reopen_count_rises"]
    for projection, figures in rebuilt.items():
        assert compare(figures, live).different == (), projection


@pytest.mark.timeout(180)
@on_shared_stores
async def test_killed_in_the_middle_it_goes_on_and_nothing_happens_twice(tmp_path: Path, url: str) -> None:
    file = write(tmp_path, generated(FEW))
    await kill_at(incidents(file, url), url, FEW)  # in events: more than one for an entry
    resumed = await asyncio.to_thread(finish, incidents(file, url))
    assert resumed["events"] == FEW
    assert cast("int", resumed["commands"]) + cast("int", resumed["commands_known"]) == FEW
    assert 0 < cast("int", resumed["commands_known"]) < FEW
