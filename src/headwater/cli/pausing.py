"""`headwater projections pause` and `resume`: having one stand still, in every process."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.cli.opening import application
from headwater.cli.options import AppOption, ByOption, JsonOption, ProjectionArgument
from headwater.cli.printing import print_json, say
from headwater.cli.verb import verb
from headwater.projections.projection import find

__all__ = ["pause", "resume"]


@verb
async def pause(
    projection: ProjectionArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever looks at the status.")] = "",
    by: ByOption = "",
    app: AppOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a projection stand still in every process, restarts included, until it is resumed."""
    async with application(app, rebuilding=True) as cqrs:
        name = find(cqrs.synchronizer.projections, projection).name
        await cqrs.synchronizer.pause(name, reason, by)
    if as_json:
        print_json({"projection": name, "paused": True, "reason": reason})
    else:
        say(f"{name} is paused: `headwater projections resume {name}` lets it go on")


@verb
async def resume(
    projection: ProjectionArgument, by: ByOption = "", app: AppOption = None, as_json: JsonOption = False
) -> None:
    """Let a paused projection go on, wherever it runs."""
    async with application(app, rebuilding=True) as cqrs:
        name = find(cqrs.synchronizer.projections, projection).name
        was_paused = await cqrs.synchronizer.resume(name, by)
    if as_json:
        print_json({"projection": name, "paused": False, "was_paused": was_paused})
    else:
        say(f"{name} goes on" if was_paused else f"{name} was not paused")
