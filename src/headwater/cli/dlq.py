"""`headwater dlq`: events that could not be projected."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from headwater.cli.confirming import confirmed
from headwater.cli.editing import edit
from headwater.cli.exits import ExitCode
from headwater.cli.opening import application, store
from headwater.cli.options import (
    AppOption,
    ByOption,
    DryRunOption,
    JsonOption,
    LimitOption,
    ParkedOffset,
    ParkedPartition,
    ParkingProjection,
    ReadUrlOption,
    UrlOption,
    YesOption,
)
from headwater.cli.parked import data_of, list_parked, parked_at, parked_place, parked_row, waits_for
from headwater.cli.printing import print_json, print_rows, say
from headwater.cli.verb import verb
from headwater.projections.projection import find

__all__ = ["dlq"]

COLUMNS = ("projection", "partition", "offset", "key", "type", "attempts", "parked_at", "retry_at", "error")

dlq = typer.Typer(help="Look at parked events; retry, edit or discard them.", no_args_is_help=True)

KeyOption = Annotated[str | None, typer.Option("--key", help="Events of this key only.")]


@dlq.command("ls")
@verb
async def ls(
    url: UrlOption = None,
    read_url: ReadUrlOption = None,
    app: AppOption = None,
    projection: Annotated[str | None, typer.Option("--projection", help="Of this projection only.")] = None,
    key: KeyOption = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="PLACE", help="Those behind this one, as in users:0:0:17.")
    ] = None,
    limit: LimitOption = 100,
    as_json: JsonOption = False,
) -> None:
    """List parked events of what is served; one without an error waits behind another of its key."""
    behind = None if after is None else parked_place(after)
    async with store(url, app, read_url) as engine:
        parked = await list_parked(engine, projection, key, behind, limit)
    rows = [parked_row(event) for event in parked]
    print_rows(rows, COLUMNS, as_json=as_json)
    if len(rows) == limit and not as_json:
        say(f"there may be more: --after {rows[-1]['place']}")


@dlq.command("show")
@verb
async def show(
    projection: ParkingProjection,
    offset: ParkedOffset,
    partition: ParkedPartition = 0,
    url: UrlOption = None,
    read_url: ReadUrlOption = None,
    app: AppOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one parked event: what went wrong and where, when it is tried again, and the data that will be used."""
    async with store(url, app, read_url) as engine:
        event = await parked_at(engine, projection, partition, offset)
        data, first = await data_of(engine, event), await waits_for(engine, event)
    row = {**parked_row(event), "waits_for": first, "trace": event.trace, "data": data.decode(errors="replace")}
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        for number, line in enumerate(str("" if value is None else value).splitlines() or [""]):
            say(f"{name if number == 0 else '':<10}  {line}")


@dlq.command("retry")
@verb
async def retry(
    projection: ParkingProjection,
    app: AppOption = None,
    key: KeyOption = None,
    offset: Annotated[int | None, typer.Option("--offset", min=0, help="The key of this event only.")] = None,
    by: ByOption = "",
    as_json: JsonOption = False,
) -> ExitCode | None:
    """Handle parked events again, each key in order; exits with 1 if some are parked still."""
    async with application(app) as cqrs:
        retried = await cqrs.synchronizer.dead_letters.retry(projection, key, offset, by)
    if as_json:
        print_json(msgspec.to_builtins(retried))
    else:
        say(f"{retried.handled} handled, {retried.parked} parked again, {retried.pending} left to who runs it")
    return ExitCode.WRONG if retried.parked else None


dlq.command("edit")(edit)


@dlq.command("discard")
@verb
async def discard(
    projection: ParkingProjection,
    offset: ParkedOffset,
    partition: ParkedPartition = 0,
    by: ByOption = "",
    app: AppOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Forget one parked event for good; those that waited behind it go on."""
    async with application(app) as cqrs:
        name = find(cqrs.synchronizer.projections, projection).name
        event = await parked_at(cqrs.engine, name, partition, offset)
        deed = f"discard {event.type} at {partition}:{offset}, of key {event.key}, for projection {name!r}"
        if not confirmed(deed, dry_run=dry_run, yes=yes):
            return
        await cqrs.synchronizer.dead_letters.discard(name, offset, partition, by)
    if as_json:
        print_json(parked_row(event))
    else:
        say(f"discarded {event.type} at {partition}:{offset}, of key {event.key}")
