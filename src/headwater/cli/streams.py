"""`headwater streams`: what is in the log."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.cli.opening import store
from headwater.cli.options import AppOption, JsonOption, UrlOption
from headwater.cli.printing import print_json, print_rows, say, visible
from headwater.cli.stored import EVENT_COLUMNS, event_row
from headwater.cli.tailing import last_events, new_events
from headwater.cli.verb import verb
from headwater.domain.event import StoredEvent
from headwater.domain.metadata import from_micros
from headwater.domain.stream import StreamId
from headwater.errors import InvalidInput
from headwater.ports.log import LogFilter

__all__ = ["streams"]

streams = typer.Typer(help="Look at streams and their events.", no_args_is_help=True)

Category = Annotated[str | None, typer.Option("--category", help="Streams of this category only.")]
StreamName = Annotated[str, typer.Argument(metavar="STREAM", help="As in user-u1.")]


@streams.command("ls")
@verb
async def ls(
    url: UrlOption = None,
    app: AppOption = None,
    category: Category = None,
    after: Annotated[str, typer.Option("--after", help="Streams whose name comes after this one.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List streams by name."""
    async with store(url, app) as engine:
        found = await engine.admin.streams(after, limit, category)
    rows = [{"stream": s.stream, "version": s.version, "last": from_micros(s.last_timestamp)} for s in found]
    print_rows(rows, ("stream", "version", "last"), as_json=as_json)


@streams.command("show")
@verb
async def show(
    stream: StreamName,
    url: UrlOption = None,
    app: AppOption = None,
    after: Annotated[int, typer.Option("--after", min=0, help="Events after this version.")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many.")] = 1_000,
    as_json: JsonOption = False,
) -> None:
    """Show the events of one stream."""
    async with store(url, app) as engine:
        events = await engine.events.load(StreamId.parse(stream), after, after + limit)
        if not events and not await engine.events.head(StreamId.parse(stream)):
            raise InvalidInput(f"there is no stream {stream!a}: `headwater streams ls` lists them")
    print_rows([event_row(event, as_json=as_json) for event in events], EVENT_COLUMNS, as_json=as_json)


@streams.command("tail")
@verb
async def tail(
    url: UrlOption = None,
    app: AppOption = None,
    category: Category = None,
    type_: Annotated[list[str] | None, typer.Option("--type", help="Events of this type only; repeatable.")] = None,
    count: Annotated[int, typer.Option("-n", min=0, help="Begin with so many of the last events.")] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones, until interrupted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the newest events of the log; with --json one object on each line."""
    only = LogFilter(types=tuple(type_ or ()), categories=(category,) if category else ())
    async with store(url, app) as engine:
        heads = [await engine.log.head(partition) for partition in range(engine.log.partitions)]
        for event in await last_events(engine.log, heads, count, only):
            _print(event, as_json)
        if follow:
            async for event in new_events(engine, heads, only):
                _print(event, as_json)


def _print(event: StoredEvent, as_json: bool) -> None:
    row = event_row(event, as_json=as_json)
    if as_json:
        print_json(row, indent=None)
    else:
        say("  ".join(visible(row[column]) for column in EVENT_COLUMNS))
