"""The incidents job on the whole file: `make proof` runs it, and `make test` does not collect it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from headwater.demo.incidents.data import find_source
from headwater.demo.incidents.desk import desk
from headwater.demo.truth import compare, find_truth
from tests.scenarios.incidents_runs import figures_after_rebuilds, incidents, live_figures
from tests.scenarios.retail_runs import finish, kill_at

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]


@pytest.fixture(scope="module")
def file(data: Callable[[str], Path]) -> Path:
    return data("incidents") / "events.csv.xz"


@pytest.fixture(scope="module")
def truth(file: Path) -> dict[str, object]:
    """Made by a program that read the source of the file, with the notes on the way."""
    events = cast("int", json.loads((file.parent / "truth.json").read_text())["events"])
    found = find_truth(file.parent, events)
    assert found is not None
    return found[1]


async def test_every_key_of_the_truth_is_equal_live_and_rebuilt(file: Path, truth: dict[str, object], url: str) -> None:
    source = await asyncio.to_thread(find_source, file, None)
    async with desk(url) as cqrs:
        live = await live_figures(cqrs, source)
        rebuilt = await figures_after_rebuilds(cqrs)
    for figures in (live, *rebuilt.values()):
        compared = compare(figures, truth)
        assert compared.different == ()
        assert set(compared.equal) == set(truth) == set(figures)


async def test_killed_in_the_middle_it_goes_on(file: Path, truth: dict[str, object], tmp_path: Path) -> None:
    url, entries = f"sqlite:///{tmp_path}/incidents.db", cast("int", truth["events"])
    await kill_at(incidents(file, url), url, entries)  # in events: more than one for an entry
    resumed = await asyncio.to_thread(finish, incidents(file, url))
    assert resumed["events"] == entries
    assert 0 < cast("int", resumed["commands_known"]) < entries
    again = await asyncio.to_thread(finish, incidents(file, url))
    assert (again["commands"], again["commands_known"]) == (0, entries)
