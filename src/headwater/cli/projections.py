"""`headwater projections`: how far they are, and what to do with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Final

import typer

from headwater.cli.generations import cancel, drop_previous, switch_back
from headwater.cli.opening import load_app, store
from headwater.cli.options import AppOption, JsonOption, ReadUrlOption, UrlOption
from headwater.cli.pausing import pause, resume
from headwater.cli.printing import begin_anew, print_rows
from headwater.cli.rebuild import rebuild
from headwater.cli.reset import reset
from headwater.cli.standing import print_standing, standing
from headwater.cli.verb import verb
from headwater.models.model import schema_of
from headwater.ports.engine import Engine
from headwater.projections.projection import Projection

__all__ = ["projections"]

REDRAW_SECONDS: Final = 1.0

projections = typer.Typer(help="Look at projections; pause, rebuild and reset them.", no_args_is_help=True)


@projections.command("ls")
@verb
async def ls(app: AppOption = None, as_json: JsonOption = False) -> None:
    """List the application's projections and the tables they write."""
    found = load_app(app).synchronizer.projections.values()
    rows = [
        {
            "projection": p.name,
            "version": p.declared.version,
            "writes": [schema_of(model).table for model in p.writes],
            "events": [event.__name__ for event in p.events],
        }
        for p in sorted(found, key=lambda p: p.name)
    ]
    text = [
        row | {"writes": ", ".join(p.tables), "events": ", ".join(e.__name__ for e in p.events) or "all"}
        for row, p in zip(rows, sorted(found, key=lambda p: p.name), strict=True)
    ]
    print_rows(rows if as_json else text, ("projection", "version", "writes", "events"), as_json=as_json)


@projections.command("status")
@verb
async def status(
    url: UrlOption = None,
    read_url: ReadUrlOption = None,
    app: AppOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every second, until interrupted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show every projection at every place: how far it is, who runs it, what keeps it from going on.

    The store alone is enough. Given the application, too, it says which projections are of another version than the
    one served. With --watch and --json each look is one line.
    """
    declared = {} if app is None else load_app(app).synchronizer.projections
    async with store(url, app, read_url) as engine:
        if watch:
            await _watch(engine, declared, as_json)
        print_standing(await standing(engine, declared), as_json=as_json)


async def _watch(engine: Engine, declared: Mapping[str, Projection], as_json: bool) -> None:
    while True:
        found = await standing(engine, declared)
        if not as_json:
            begin_anew()
        print_standing(found, as_json=as_json, indent=None)
        await asyncio.sleep(REDRAW_SECONDS)


projections.command("pause")(pause)
projections.command("resume")(resume)
projections.command("reset")(reset)
projections.command("rebuild")(rebuild)
projections.command("cancel")(cancel)
projections.command("switch-back")(switch_back)
projections.command("drop-previous")(drop_previous)
