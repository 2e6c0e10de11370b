"""The job on a small set: every figure, resuming, and what it refuses."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path

import pytest

from headwater.demo.retail.data import Source, find_source
from headwater.demo.retail.job import Job, run_job
from headwater.demo.retail.lines import COLUMNS
from headwater.demo.retail.queries import GetInvoice, RunningLow, SalesByMonth, TopCustomers
from headwater.demo.retail.shop import app, shop
from headwater.demo.truth import compare
from headwater.errors import ConfigurationError, StoreMismatch
from tests.demo.retail.rows import generated
from tests.demo.retail.truth_by_hand import truth_of


class Notes:
    """Remembers the phases it was told of."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.done = 0

    def begin(self, phase: str, total: int | None) -> None:
        self.phases.append(phase)

    def reached(self, done: int) -> None:
        self.done = done


async def write(path: Path, rows: list[dict[str, str]]) -> Source:
    return await asyncio.to_thread(_write, path, rows)


def _write(path: Path, rows: list[dict[str, str]]) -> Source:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return find_source(path, None)


async def test_every_figure_equals_the_one_made_by_hand(url: str, tmp_path: Path) -> None:
    rows = generated(600)
    notes = Notes()
    outcome = await run_job(Job(source=await write(tmp_path / "a.csv", rows), url=url), notes)
    compared = compare(outcome.figures, truth_of(rows))
    assert compared.different == ()
    assert len(compared.equal) == 25
    assert (outcome.sent.sent, outcome.sent.known, outcome.sent.refused) == (600, 0, 0)
    assert notes.phases == ["commands", "projections", "figures"]
    assert notes.done > 0
    assert outcome.commands_per_second > 0


async def test_a_rerun_sends_only_what_is_missing(tmp_path: Path) -> None:
    rows = generated(300)
    url = f"sqlite:///{tmp_path}/a.db"
    source = await write(tmp_path / "a.csv", rows)
    part = Source(path=source.path, namespace=source.namespace, lines=100)
    await run_job(Job(source=part, url=url), Notes())
    outcome = await run_job(Job(source=source, url=url), Notes())
    assert (outcome.sent.sent, outcome.sent.known) == (200, 100)
    assert compare(outcome.figures, truth_of(rows)).different == ()
    again = await run_job(Job(source=source, url=url), Notes())
    assert (again.sent.sent, again.sent.known) == (0, 300)
    assert again.figures == outcome.figures
    assert again.commands_per_second == 0


async def test_lines_of_another_file_are_not_mixed_in(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    await run_job(Job(source=await write(tmp_path / "a.csv", generated(5)), url=url), Notes())
    with pytest.raises(StoreMismatch, match="other data"):
        await run_job(Job(source=await write(tmp_path / "b.csv", generated(6)), url=url), Notes())


async def test_a_line_that_breaks_a_rule_is_counted_and_left_out(tmp_path: Path) -> None:
    rows = generated(20)
    rows[1] = {**rows[0], "position": "2", "country": "Atlantis"}
    outcome = await run_job(Job(source=await write(tmp_path / "a.csv", rows), url="memory://"), Notes())
    assert outcome.sent.refused == 1
    assert "Atlantis" in outcome.sent.refusals[0]
    assert outcome.figures["events"] == 19


async def test_a_store_in_memory_cannot_be_shared(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be shared"):
        await run_job(Job(source=await write(tmp_path / "a.csv", generated(5)), url="memory://", processes=2), Notes())


async def test_the_shop_answers_its_questions(tmp_path: Path) -> None:
    rows = generated(200)
    url = f"sqlite:///{tmp_path}/a.db"
    await run_job(Job(source=await write(tmp_path / "a.csv", rows), url=url), Notes())
    async with shop(url, run_projections=False) as cqrs:
        invoice = await cqrs.queries.execute(GetInvoice(invoice=rows[0]["invoice"]))
        assert invoice is not None
        assert (invoice.kind, invoice.country) == ("LineSold", rows[0]["country"])
        assert await cqrs.queries.execute(GetInvoice(invoice="none")) is None
        (month,) = await cqrs.queries.execute(SalesByMonth())
        assert (month.month, month.lines) == ("2010-12", 200)
        low = await cqrs.queries.execute(RunningLow(limit=3))
        assert [row.net_units for row in low] == sorted((row.net_units for row in low), reverse=True)
        top = await cqrs.queries.execute(TopCustomers(limit=2))
        assert top[0].amount >= top[1].amount


def test_the_application_is_on_the_store_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_URL", "memory://")
    assert app().engine.name == "memory"
