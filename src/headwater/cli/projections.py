"""`headwater projections`: how far they are, and filling them again."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.cli.bars import bar
from headwater.cli.confirming import confirmed
from headwater.cli.opening import application, load_app, store
from headwater.cli.options import AppOption, DryRunOption, JsonOption, UrlOption, YesOption
from headwater.cli.printing import Row, print_json, print_rows, say
from headwater.cli.verb import verb
from headwater.models.model import schema_of
from headwater.ports.engine import Engine
from headwater.projections.progress import Progress
from headwater.projections.projection import find

__all__ = ["STANDING_COLUMNS", "projections", "standing"]

STANDING_COLUMNS = ("projection", "generation", "state", "partition", "offset", "head", "lag", "parked", "owner")

projections = typer.Typer(help="Look at projections, and rebuild them.", no_args_is_help=True)


@projections.command("ls")
@verb
async def ls(app: AppOption = None, as_json: JsonOption = False) -> None:
    """List the application's projections and the tables they write."""
    found = load_app(app).synchronizer.projections.values()
    rows = [
        {
            "projection": p.name,
            "writes": [schema_of(model).table for model in p.writes],
            "events": [event.__name__ for event in p.events],
        }
        for p in sorted(found, key=lambda p: p.name)
    ]
    text = [row | {"writes": ", ".join(row["writes"]), "events": ", ".join(row["events"]) or "all"} for row in rows]
    print_rows(rows if as_json else text, ("projection", "writes", "events"), as_json=as_json)


@projections.command("status")
@verb
async def status(url: UrlOption = None, app: AppOption = None, as_json: JsonOption = False) -> None:
    """Show where each projection stands, what it has parked, and who runs it."""
    async with store(url, app) as engine:
        print_rows(await standing(engine), STANDING_COLUMNS, as_json=as_json)


@projections.command("rebuild")
@verb
async def rebuild(
    projection: Annotated[str, typer.Argument(help="A projection, or a read model that it writes.")],
    app: AppOption = None,
    from_event: Annotated[int, typer.Option("--from-event", min=0, help="0 empties the tables first.")] = 0,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Events in one transaction.")] = 1_000,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fill a projection's read models again from the log. Nobody else may run it meanwhile."""
    async with application(app, rebuilding=True) as cqrs:
        found = find(cqrs.synchronizer.projections, projection)
        tables = ", ".join(schema_of(model).table for model in found.writes)
        deed = (
            f"empty {tables} and fill" if from_event == 0 else f"apply events from {from_event} again to {tables}, of"
        )
        if not confirmed(f"{deed} projection {found.name!r} from the log", dry_run=dry_run, yes=yes):
            return
        last = Progress(done=0, total=0, seconds=0.0)
        with bar() as shown:
            shown.begin(found.name, None)
            async for last in cqrs.synchronizer.rebuild_read_model(found.name, from_event, batch_size):
                shown.reached(last.done, last.total)
    if as_json:
        print_json({"projection": found.name, "events": last.done, "seconds": last.seconds})
    else:
        say(f"{found.name}: {last.done:,} events in {last.seconds:.1f} s, {last.rate:,.0f}/s")


async def standing(engine: Engine) -> list[Row]:
    """Every projection that has ever committed to this store, by place; its code is not needed."""
    owners = {lease.name: lease.owner for lease in await engine.leases.holders()}
    states = {(g.projection, g.number): g.state for g in await engine.generations.all()}
    heads = [await engine.log.head(partition) for partition in range(engine.log.partitions)]
    rows: list[Row] = []
    for kept in await engine.projections.checkpoints():
        at = kept.place
        queues = await engine.parking.queues(at.projection, at.generation, at.partition)
        rows.append(
            {
                "projection": at.projection,
                "generation": at.generation,
                "state": states.get((at.projection, at.generation), "serving"),
                "partition": at.partition,
                "key_range": at.key_range,
                "offset": kept.offset,
                "head": heads[at.partition],
                "lag": max(0, heads[at.partition] - kept.offset),
                "parked": sum(queue.events for queue in queues),
                "owner": owners.get(at.lease),
            }
        )
    return rows
