"""`headwater projections rebuild`: read models filled anew beside the ones that are served."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Annotated

import typer

from headwater.cli.bars import bar
from headwater.cli.confirming import confirmed
from headwater.cli.opening import application
from headwater.cli.options import AppOption, DryRunOption, JsonOption, ProjectionArgument, YesOption
from headwater.cli.printing import complain, print_json, say
from headwater.cli.verb import verb
from headwater.ports.generations import Generation, State
from headwater.projections.progress import Progress
from headwater.projections.projection import find
from headwater.projections.rebuild import Rebuild

__all__ = ["rebuild"]


@verb
async def rebuild(
    projection: ProjectionArgument,
    app: AppOption = None,
    from_event: Annotated[
        int, typer.Option("--from-event", min=0, help="Above 0: handle events from there on once more, in place.")
    ] = 0,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Events in one transaction.")] = 1_000,
    watch: Annotated[bool, typer.Option("--watch", help="Show how far it is, how fast, and how long still.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fill a projection's read models from the log beside the ones served, then serve them in their place.

    Queries are answered all along, and whoever runs the projection helps. What was served is kept: `switch-back`
    serves it again, `drop-previous` forgets it. Interrupted, it is left to whoever runs the projection; `cancel` ends
    it. It asks first where an earlier generation is kept, which is forgotten then, and with --from-event.
    """
    async with application(app, rebuilding=True) as cqrs:
        found, generations = find(cqrs.synchronizer.projections, projection), cqrs.engine.generations
        previous = _in_state(await generations.all(found.name), "previous")
        deed = _deed(found.name, ", ".join(found.tables), from_event, previous)
        harmless = from_event == 0 and previous is None
        if not confirmed(deed, dry_run=dry_run, yes=yes or harmless):
            return
        steps = cqrs.synchronizer.rebuild_read_model(found.name, from_event, batch_size)
        try:
            last = await _followed(steps, found.name, watch)
        except asyncio.CancelledError:
            complain(_left(found.name, from_event))
            raise
        now = await generations.all(found.name)
    _print(found.name, last, now, beside=from_event == 0, as_json=as_json)


def _print(name: str, last: Progress, now: Sequence[Generation], *, beside: bool, as_json: bool) -> None:
    served, kept = _in_state(now, "serving"), _in_state(now, "previous")
    if as_json:
        done = {"projection": name, "events": last.done, "seconds": last.seconds}
        print_json(done | {"generation": served and served.number, "previous": kept and kept.number})
        return
    say(f"{name}: {last.done:,} events in {last.seconds:.1f} s, {last.rate:,.0f}/s")
    if beside and served and kept:
        back = f"`headwater projections switch-back {name}` goes back to {kept.number}"
        say(f"{name}: generation {served.number} is served; {back}")


async def _followed(steps: Rebuild, name: str, watch: bool) -> Progress:
    """The last of its progress."""
    last = Progress(done=0, total=0, seconds=0.0)
    with bar() if watch else contextlib.nullcontext() as shown:
        if shown is not None:
            shown.begin(name, None)
        async for last in steps:
            if shown is not None:
                shown.reached(last.done, last.total)
    return last


def _deed(name: str, tables: str, from_event: int, previous: Generation | None) -> str:
    if from_event:
        return f"handle events from {from_event} on once more, over the rows of projection {name!r} in {tables}"
    deed = f"fill {tables} of projection {name!r} beside what is served, and serve that in its place"
    lost = f", and forget generation {previous.number}, which is kept until then" if previous else ""
    return deed + lost


def _left(name: str, from_event: int) -> str:
    if from_event:
        return f"left in the middle: handle the events of {name!r} once more"
    return (
        f"left: what is filled of {name!r} is kept, and whoever runs the projection goes on with it; "
        f"`headwater projections cancel {name}` ends it"
    )


def _in_state(generations: Sequence[Generation], state: State) -> Generation | None:
    return next((generation for generation in generations if generation.state == state), None)
