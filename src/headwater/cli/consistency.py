"""`headwater consistency`: whether what should agree does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
import typer

from headwater.cli.bars import bar
from headwater.cli.exits import ExitCode
from headwater.cli.opening import application, store
from headwater.cli.options import AppOption, JsonOption, LimitOption, ReadUrlOption, UrlOption
from headwater.cli.printing import Row, print_json, print_rows, say
from headwater.cli.sampling import sampled
from headwater.cli.verb import verb
from headwater.consistency.checks.check import CheckResult
from headwater.consistency.manager import ConsistencyManager
from headwater.domain.metadata import from_micros
from headwater.errors import UnknownName
from headwater.ports.journal import Entry

__all__ = ["consistency"]

COLUMNS = ("name", "outcome", "looked_at", "found", "since", "error")
KEPT_COLUMNS = ("at", "by", "name", "outcome", "looked_at", "found", "since", "repair", "error")

consistency = typer.Typer(help="Check whether what should agree does.", no_args_is_help=True)


@consistency.command("check")
@verb
async def check(
    names: Annotated[list[str] | None, typer.Argument(help="Of these checks; else all.")] = None,
    app: AppOption = None,
    sample: Annotated[int, typer.Option("--sample", min=1, help="Rows of each projection to make anew.")] = 10_000,
    deep: Annotated[bool, typer.Option("--deep", help="Make every row anew, so many at a time.")] = False,
    as_json: JsonOption = False,
) -> ExitCode | None:
    """Run the application's checks and the built-in ones, and keep their results; nothing is repaired.

    Built in are: stream heads against the log, checkpoints against the log, unique keys against their streams, and a
    sample of each projection's rows against what their events make of them. Exits with 1 if something is inconsistent,
    else with 4 if a check could not be run.
    """
    async with application(app) as cqrs:
        declared = cqrs.consistency_checks(sample)
        checks = declared if deep else sampled(declared, cqrs, sample)
        results = await _run(ConsistencyManager(cqrs, consistency_checks=checks), names)
    if as_json:
        print_json([_row(result) for result in results])
    else:
        _print(results)
    outcomes = {result.outcome for result in results}
    return ExitCode.WRONG if "inconsistent" in outcomes else ExitCode.REFUSED if "failed" in outcomes else None


@consistency.command("results")
@verb
async def results(
    url: UrlOption = None,
    read_url: ReadUrlOption = None,
    app: AppOption = None,
    name: Annotated[str | None, typer.Option("--name", help="Of this check only.")] = None,
    limit: LimitOption = 100,
    as_json: JsonOption = False,
) -> None:
    """Show the results that are kept, whoever ran the checks; the newest first."""
    async with store(url, app, read_url) as engine:
        kept = await engine.journal.entries(action=f"check.{name or '*'}", limit=limit)
    print_rows([_kept_row(entry) for entry in kept], KEPT_COLUMNS, as_json=as_json)


async def _run(manager: ConsistencyManager, names: Iterable[str] | None) -> list[CheckResult]:
    """One after the other. Raises UnknownName before the first."""
    wanted = list(names or manager.checks)
    for name in wanted:
        if name not in manager.checks:
            raise UnknownName(f"no consistency check {name!r}: there are {', '.join(manager.checks)}")
    done: list[CheckResult] = []
    with bar() as shown:
        for name in wanted:
            shown.begin(name, None)
            done += await manager.run_checks([name], repair=False)
    return done


def _print(results: Sequence[CheckResult]) -> None:
    print_rows([_row(result) for result in results], COLUMNS, as_json=False)
    for result in results:
        for wrong in result.inconsistencies:
            say(f"{result.name}: {wrong.where}: {wrong.what}" if wrong.where else f"{result.name}: {wrong.what}")
        if result.found > len(result.inconsistencies):
            say(f"{result.name}: and {result.found - len(result.inconsistencies):,} more")
        if result.behind:
            say(f"{result.name}: what it looks at was behind the log all the time: it may be late, not wrong")
        for why in result.passed_over:
            say(f"{result.name}: not looked at: {why}")


def _row(result: CheckResult) -> dict[str, object]:
    shown: dict[str, object] = msgspec.to_builtins(result)
    since = None if result.since is None else from_micros(result.since)
    return shown | {"at": from_micros(result.at), "since": since}


def _kept_row(entry: Entry) -> Row:
    """Where another release wrote the result otherwise, what every entry says."""
    said: Row = {"at": from_micros(entry.at), "name": entry.subject, "outcome": entry.outcome, "by": entry.by}
    try:
        return {**_row(msgspec.json.decode(entry.details, type=CheckResult)), "by": entry.by}
    except msgspec.DecodeError:
        return said
