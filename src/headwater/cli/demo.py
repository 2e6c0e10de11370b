"""`headwater demo`: the shop, end to end."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final, cast

import msgspec
import typer

from headwater.cli.bars import bar
from headwater.cli.exits import ExitCode
from headwater.cli.options import JsonOption
from headwater.cli.printing import Row, complain, print_json, print_rows, say
from headwater.cli.verb import verb
from headwater.demo.data import Source, find_source
from headwater.demo.job import Job, Outcome, run_job
from headwater.demo.truth import Comparison, compare, find_truth

__all__ = ["demo"]

SHOWN: Final = (
    "events",
    "streams_invoice",
    "streams_stock_code",
    "streams_customer",
    "sum_quantity",
    "sum_amount",
    "customers_with_negative_balance",
    "stock_codes_net_units_below_zero",
    "invoices_with_more_than_one_timestamp",
    "sha256_of_event_sequence",
)
"""Figures that fit on a line."""

demo = typer.Typer(help="See headwater work.", no_args_is_help=True)


@demo.callback()
def demonstrations() -> None:
    """See headwater work."""


@demo.command("retail")
@verb
async def retail(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FILE.csv[.xz]", help="An online shop's lines.")
    ] = None,
    lines: Annotated[int | None, typer.Option("--lines", min=1, help="Only the first so many.")] = None,
    engine: Annotated[str | None, typer.Option("--engine", metavar="URL", help="Keep the store here.")] = None,
    processes: Annotated[int, typer.Option("--processes", min=1, max=64, help="Share the work on one file.")] = 1,
    workers: Annotated[int, typer.Option("--workers", min=1, max=1_000, help="Commands at once, each process.")] = 64,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 unless equal to the truth by the data.")] = False,
    as_json: JsonOption = False,
) -> ExitCode | None:
    """Send an online shop's invoice lines through the command bus, project them, and print the figures.

    Without --data: $HEADWATER_DATA/online_retail, else generated lines. Without --engine: a temporary SQLite file.
    Interrupted or killed, the same command goes on where it was.
    """
    source = await asyncio.to_thread(find_source, data, lines)
    if source.path is None:
        complain(f"no data is named, so {source.lines:,} lines of a shop are generated: --data FILE takes real ones")
    async with _place(engine) as url:
        with bar() as watch:
            outcome = await run_job(Job(source=source, url=url, processes=processes, workers=workers), watch)
    compared = await asyncio.to_thread(_compare, source, outcome.figures)
    if as_json:
        print_json(_json(source, url, processes, outcome, compared))
    else:
        _print(outcome, compared, kept=engine)
    return _verdict(compared, outcome, check)


@asynccontextmanager
async def _place(engine: str | None) -> AsyncGenerator[str, None]:
    """Where the store is kept, or a SQLite file that is gone afterwards."""
    if engine is not None:
        yield engine
        return
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="headwater-")
    try:
        yield f"sqlite:///{folder}/retail.db"
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


def _compare(source: Source, figures: Mapping[str, object]) -> Comparison | None:
    """With the truth beside the data, if there is one for so many events."""
    if source.path is None:
        return None
    found = find_truth(source.path.parent, cast("int", figures["events"]))
    return None if found is None else compare(figures, found[1], found[0])


def _verdict(compared: Comparison | None, outcome: Outcome, check: bool) -> ExitCode | None:
    for reason in outcome.sent.refusals:
        complain(f"refused: {reason}")
    if compared is not None and not compared.holds:
        return ExitCode.WRONG
    if check and compared is None:
        complain("nothing to check against: beside the data there is no truth*.json for so many events")
        return ExitCode.WRONG
    return None


def _json(
    source: Source, url: str, processes: int, outcome: Outcome, compared: Comparison | None
) -> Mapping[str, object]:
    return outcome.figures | {
        "data": "generated" if source.path is None else str(source.path),
        "engine": url,
        "processes": processes,
        "commands": outcome.sent.sent,
        "commands_known": outcome.sent.known,
        "commands_refused": outcome.sent.refused,
        "commands_per_second": round(outcome.commands_per_second, 1),
        "seconds": outcome.seconds,
        "truth": None if compared is None else msgspec.to_builtins(compared, enc_hook=str),
    }


def _print(outcome: Outcome, compared: Comparison | None, kept: str | None) -> None:
    figures = outcome.figures
    rows: list[Row] = [{"figure": name, "value": figures[name]} for name in SHOWN]
    rows += [
        {"figure": f"sales of {month}", "value": f"{sales['amount']} in {sales['invoices']} invoices"}
        for month, sales in cast("dict[str, dict[str, object]]", figures["per_month"]).items()
    ]
    print_rows(rows, ("figure", "value"), as_json=False)
    sent = outcome.sent
    say("")
    say(f"commands: {sent.sent:,} sent, {sent.known:,} known from an earlier run, {sent.refused:,} refused")
    say(f"commands per second: {outcome.commands_per_second:,.0f}")
    say("seconds: " + ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in outcome.seconds.items()))
    if compared is not None:
        for one in compared.different:
            complain(f"{one.key} is {one.ours}, the truth is {one.truth}")
        word = "equal to truth" if compared.holds else "NOT equal to truth"
        say(
            f"{word}: {len(compared.equal)} of {len(compared.equal) + len(compared.different)} keys of {compared.truth}"
        )
    say(f"kept in {kept}: headwater status --url {kept}" if kept else "to keep the store: --engine sqlite:///retail.db")
