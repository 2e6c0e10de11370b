"""`headwater dlq`: events that could not be projected."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from headwater.cli.confirming import confirmed
from headwater.cli.exits import ExitCode
from headwater.cli.opening import application, store
from headwater.cli.options import AppOption, DryRunOption, JsonOption, UrlOption, YesOption
from headwater.cli.printing import Row, print_json, print_rows, say
from headwater.cli.verb import verb
from headwater.domain.metadata import from_micros
from headwater.errors import UnknownName
from headwater.ports.engine import Engine
from headwater.ports.parking import ParkedEvent

__all__ = ["dlq"]

COLUMNS = ("projection", "partition", "offset", "key", "type", "attempts", "parked_at", "error")

dlq = typer.Typer(help="Look at parked events, retry or discard them.", no_args_is_help=True)

Projection = Annotated[str, typer.Argument(help="The projection that parked it.")]
Offset = Annotated[int, typer.Argument(min=0, help="The event's offset.")]
Partition = Annotated[int, typer.Option("--partition", min=0, help="The event's partition.")]


@dlq.command("ls")
@verb
async def ls(
    url: UrlOption = None,
    app: AppOption = None,
    projection: Annotated[str | None, typer.Option("--projection", help="Of this projection only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List parked events; one without an error waits behind another of its key."""
    async with store(url, app) as engine:
        parked = await engine.parking.parked(projection)
    print_rows([_row(event) for event in parked], COLUMNS, as_json=as_json)


@dlq.command("show")
@verb
async def show(
    projection: Projection,
    offset: Offset,
    partition: Partition = 0,
    url: UrlOption = None,
    app: AppOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one parked event: its data, what went wrong, and where."""
    async with store(url, app) as engine:
        event = await _find(engine, projection, partition, offset)
        page = await engine.log.read(partition, offset, 1)
    data = event.data if event.data is not None else page.events[0].data if page.events else b""
    row = {**_row(event), "trace": event.trace, "data": data.decode(errors="replace")}
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        for number, line in enumerate(str("" if value is None else value).splitlines() or [""]):
            say(f"{name if number == 0 else '':<10}  {line}")


@dlq.command("retry")
@verb
async def retry(
    projection: Projection,
    app: AppOption = None,
    key: Annotated[str | None, typer.Option("--key", help="Events of this key only.")] = None,
    offset: Annotated[int | None, typer.Option("--offset", min=0, help="The key of this event only.")] = None,
    as_json: JsonOption = False,
) -> ExitCode | None:
    """Handle parked events again, each key in order; exits with 1 if some are parked still."""
    async with application(app) as cqrs:
        retried = await cqrs.synchronizer.dead_letters.retry(projection, key, offset)
    if as_json:
        print_json(msgspec.to_builtins(retried))
    else:
        say(f"{retried.handled} handled, {retried.parked} parked again, {retried.pending} left to who runs it")
    return ExitCode.WRONG if retried.parked else None


@dlq.command("discard")
@verb
async def discard(
    projection: Projection,
    offset: Offset,
    partition: Partition = 0,
    app: AppOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Forget one parked event for good; those that waited behind it go on."""
    async with application(app) as cqrs:
        event = await _find(cqrs.engine, projection, partition, offset)
        deed = f"discard {event.type} at {partition}:{offset}, of key {event.key}, for projection {projection!r}"
        if confirmed(deed, dry_run=dry_run, yes=yes):
            await cqrs.synchronizer.dead_letters.discard(projection, offset, partition)


async def _find(engine: Engine, projection: str, partition: int, offset: int) -> ParkedEvent:
    for event in await engine.parking.parked(projection):
        if (event.partition, event.offset) == (partition, offset):
            return event
    raise UnknownName(f"{projection!r} has nothing parked at {partition}:{offset}: see `headwater dlq ls`")


def _row(event: ParkedEvent) -> Row:
    return {
        "projection": event.projection,
        "partition": event.partition,
        "offset": event.offset,
        "key": event.key,
        "type": event.type,
        "attempts": event.attempts,
        "parked_at": from_micros(event.parked_at),
        "error": event.error,
    }
