"""The job on a small set: every figure, resuming, and what it refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from headwater.demo.incidents.data import Source, find_source
from headwater.demo.incidents.desk import app, desk
from headwater.demo.incidents.job import IncidentsJob, run_incidents
from headwater.demo.incidents.queries import BacklogAtMonthEnd, BusiestGroups, GetIncident, TimesToResolve
from headwater.demo.truth import compare
from headwater.errors import StoreMismatch
from tests.demo.incidents.rows import generated, write
from tests.demo.incidents.truth_by_hand import truth_of
from tests.scenarios.retail_runs import Silent


async def source_of(folder: Path, rows: list[dict[str, str]], lines: int | None = None) -> Source:
    path = await asyncio.to_thread(write, folder, rows)
    return await asyncio.to_thread(find_source, path, lines)


async def test_every_figure_equals_the_one_made_by_hand(url: str, tmp_path: Path) -> None:
    rows = generated(3_000)
    assert any(row["incident_state"] == "Closed" for row in rows)
    outcome = await run_incidents(IncidentsJob(source=await source_of(tmp_path, rows), url=url), Silent())
    compared = compare(outcome.figures, truth_of(rows))
    assert compared.different == ()
    assert len(compared.equal) == 28
    assert (outcome.sent.sent, outcome.sent.known, outcome.sent.refused) == (3_000, 0, 0)
    assert set(outcome.seconds) == {"commands", "projections", "figures"}


async def test_a_rerun_sends_only_what_is_missing(tmp_path: Path) -> None:
    rows, url = generated(300), f"sqlite:///{tmp_path}/a.db"
    await run_incidents(IncidentsJob(source=await source_of(tmp_path, rows, 100), url=url), Silent())
    job = IncidentsJob(source=await source_of(tmp_path, rows), url=url)
    outcome = await run_incidents(job, Silent())
    assert (outcome.sent.sent, outcome.sent.known) == (200, 100)
    assert compare(outcome.figures, truth_of(rows)).different == ()
    again = await run_incidents(job, Silent())
    assert (again.sent.sent, again.sent.known) == (0, 300)
    assert again.figures == outcome.figures


async def test_entries_of_another_file_are_not_mixed_in(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    await run_incidents(IncidentsJob(source=await source_of(tmp_path, generated(5)), url=url), Silent())
    with pytest.raises(StoreMismatch, match="other data"):
        await run_incidents(IncidentsJob(source=await source_of(tmp_path, generated(6)), url=url), Silent())


async def test_an_entry_that_does_not_follow_is_counted_and_left_out(tmp_path: Path) -> None:
    rows = generated(20)
    rows.append({**rows[0], "position": "21"})
    outcome = await run_incidents(IncidentsJob(source=await source_of(tmp_path, rows), url="memory://"), Silent())
    assert outcome.sent.refused == 1
    assert "line 21" in outcome.sent.refusals[0]
    assert outcome.figures["events"] == 20


async def test_the_highest_count_ever_is_not_the_highest_last_one(tmp_path: Path) -> None:
    rows = generated(200)
    high = {"position": "201", "version": "1", "number": "INC9999999", "sys_mod_count": "99"}
    rows += [{**rows[0], **high}, {**rows[0], **high, "position": "202", "version": "2", "sys_mod_count": "1"}]
    outcome = await run_incidents(IncidentsJob(source=await source_of(tmp_path, rows), url="memory://"), Silent())
    assert compare(outcome.figures, truth_of(rows)).different == ()
    assert outcome.figures["max_sys_mod_count"] == 99


async def test_the_desk_answers_its_questions(tmp_path: Path) -> None:
    rows, url = generated(2_000), f"sqlite:///{tmp_path}/a.db"
    await run_incidents(IncidentsJob(source=await source_of(tmp_path, rows), url=url), Silent())
    async with desk(url, run_projections=False) as cqrs:
        incident = await cqrs.queries.execute(GetIncident(number=rows[0]["number"]))
        assert incident is not None
        assert incident.first_state == rows[0]["incident_state"]
        assert await cqrs.queries.execute(GetIncident(number="none")) is None
        backlog = await cqrs.queries.execute(BacklogAtMonthEnd())
        assert [one.month for one in backlog] == sorted({row["sys_updated_at"][:7] for row in rows})
        times = await cqrs.queries.execute(TimesToResolve())
        assert all(one.mean_hours > 0 and one.median_hours > 0 for one in times)
        (busiest,) = await cqrs.queries.execute(BusiestGroups(limit=1))
        assert busiest.group == "Group 70"


def test_the_application_is_on_the_store_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_URL", "memory://")
    assert app().engine.name == "memory"
