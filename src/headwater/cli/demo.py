"""`headwater demo`: the shop and the desk, end to end."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final, TypeAlias, cast

import msgspec
import typer

from headwater.cli.bars import bar
from headwater.cli.exits import ExitCode
from headwater.cli.options import JsonOption
from headwater.cli.printing import Row, complain, print_json, print_rows, say
from headwater.cli.verb import verb
from headwater.demo.incidents import data as incidents_data
from headwater.demo.incidents.job import IncidentsJob, run_incidents
from headwater.demo.outcome import Outcome
from headwater.demo.retail import data as retail_data
from headwater.demo.retail.job import Job, run_job
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
"""Figures of the shop that fit on a line."""
SHOWN_OF_INCIDENTS: Final = (
    "events",
    "streams",
    "state_changes",
    "sum_final_reassignment_count",
    "rows_where_reassignment_count_rises",
    "sum_final_reopen_count",
    "rows_where_reopen_count_rises",
    "sha256_of_rows_in_source_order",
)
"""Figures of the desk that fit on a line."""

LinesOption: TypeAlias = Annotated[int | None, typer.Option("--lines", min=1, help="Only the first so many.")]
EngineOption: TypeAlias = Annotated[str | None, typer.Option("--engine", metavar="URL", help="Keep the store here.")]
ReadsOption: TypeAlias = Annotated[
    str | None, typer.Option("--read-url", metavar="URL", help="Keep the read models in this store, not in that one.")
]
WorkersOption: TypeAlias = Annotated[
    int, typer.Option("--workers", min=1, max=1_000, help="Commands at once, each process.")
]
CheckOption: TypeAlias = Annotated[
    bool, typer.Option("--check", help="Exit with 1 unless equal to the truth by the data.")
]

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
    lines: LinesOption = None,
    engine: EngineOption = None,
    read_url: ReadsOption = None,
    processes: Annotated[int, typer.Option("--processes", min=1, max=64, help="Share the work on one file.")] = 1,
    workers: WorkersOption = 64,
    check: CheckOption = False,
    as_json: JsonOption = False,
) -> ExitCode | None:
    """Send an online shop's invoice lines through the command bus, project them, and print the figures.

    Without --data: $HEADWATER_DATA/online_retail, else generated lines. Without --engine: a temporary SQLite file.
    Interrupted or killed, the same command goes on where it was.
    """
    source = await asyncio.to_thread(retail_data.find_source, data, lines)
    if source.path is None:
        complain(f"no data is named, so {source.lines:,} lines of a shop are generated: --data FILE takes real ones")
    async with _place(engine, "retail.db") as url:
        with bar() as watch:
            outcome = await run_job(
                Job(source=source, url=url, read_url=read_url, processes=processes, workers=workers), watch
            )
    compared = await asyncio.to_thread(_compare, source.path, outcome.figures)
    if as_json:
        print_json(_json(source.path, url, outcome, compared) | {"processes": processes})
    else:
        print_rows(_of_shop(outcome.figures), ("figure", "value"), as_json=False)
        _print(outcome, compared, kept=engine, file="retail.db")
    return _verdict(compared, outcome, check)


@demo.command("incidents")
@verb
async def incidents(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FILE.csv[.xz]", help="A service desk's audit log.")
    ] = None,
    lines: LinesOption = None,
    engine: EngineOption = None,
    read_url: ReadsOption = None,
    workers: WorkersOption = 64,
    check: CheckOption = False,
    as_json: JsonOption = False,
) -> ExitCode | None:
    """Send a service desk's audit log through the command bus, project its backlog and its SLA, and print the figures.

    Without --data: $HEADWATER_DATA/incidents, else generated entries. Without --engine: a temporary SQLite file.
    Interrupted or killed, the same command goes on where it was.
    """
    source = await asyncio.to_thread(incidents_data.find_source, data, lines)
    if source.path is None:
        complain(f"no data is named, so {source.lines:,} entries of a desk are generated: --data FILE takes real ones")
    async with _place(engine, "incidents.db") as url:
        with bar() as watch:
            outcome = await run_incidents(
                IncidentsJob(source=source, url=url, read_url=read_url, workers=workers), watch
            )
    compared = await asyncio.to_thread(_compare, source.path, outcome.figures)
    if as_json:
        print_json(_json(source.path, url, outcome, compared))
    else:
        print_rows(_of_desk(outcome.figures), ("figure", "value"), as_json=False)
        _print(outcome, compared, kept=engine, file="incidents.db")
    return _verdict(compared, outcome, check)


@asynccontextmanager
async def _place(engine: str | None, file: str) -> AsyncGenerator[str, None]:
    """Where the store is kept, or a SQLite file that is gone afterwards."""
    if engine is not None:
        yield engine
        return
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="headwater-")
    try:
        yield f"sqlite:///{folder}/{file}"
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


def _compare(data: Path | None, figures: Mapping[str, object]) -> Comparison | None:
    """With the truth beside the data, if there is one for so many events."""
    if data is None:
        return None
    found = find_truth(data.parent, cast("int", figures["events"]))
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


def _json(data: Path | None, url: str, outcome: Outcome, compared: Comparison | None) -> dict[str, object]:
    return outcome.figures | {
        "data": "generated" if data is None else str(data),
        "engine": url,
        "commands": outcome.sent.sent,
        "commands_known": outcome.sent.known,
        "commands_refused": outcome.sent.refused,
        "commands_per_second": round(outcome.commands_per_second, 1),
        "seconds": outcome.seconds,
        "truth": None if compared is None else msgspec.to_builtins(compared, enc_hook=str),
    }


def _of_shop(figures: Mapping[str, object]) -> Iterator[Row]:
    for name in SHOWN:
        yield {"figure": name, "value": figures[name]}
    for month, sales in cast("dict[str, dict[str, object]]", figures["per_month"]).items():
        yield {"figure": f"sales of {month}", "value": f"{sales['amount']} in {sales['invoices']} invoices"}


def _of_desk(figures: Mapping[str, object]) -> Iterator[Row]:
    for name in SHOWN_OF_INCIDENTS:
        yield {"figure": name, "value": figures[name]}
    for kept, count in cast("dict[str, int]", figures["streams_made_sla_at_end"]).items():
        yield {"figure": "SLA kept" if kept == "true" else "SLA missed", "value": count}
    for month, waiting in cast("dict[str, int]", figures["backlog_at_month_end"]).items():
        yield {"figure": f"backlog at the end of {month}", "value": waiting}
    for priority, hours in cast("dict[str, dict[str, float]]", figures["hours_opened_to_first_resolved"]).items():
        shown = f"median {hours['median']:,.2f}, mean {hours['mean']:,.2f} of {hours['n']:,}"
        yield {"figure": f"hours to resolve {priority}", "value": shown}


def _print(outcome: Outcome, compared: Comparison | None, kept: str | None, file: str) -> None:
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
    say(f"kept in {kept}: headwater status --url {kept}" if kept else f"to keep the store: --engine sqlite:///{file}")
