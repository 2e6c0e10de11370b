"""`headwater projections cancel`, `switch-back` and `drop-previous`: what becomes of the generations beside."""

from __future__ import annotations

from headwater.cli.confirming import confirmed
from headwater.cli.opening import application
from headwater.cli.options import AppOption, ByOption, DryRunOption, JsonOption, ProjectionArgument, YesOption
from headwater.cli.printing import print_json, say
from headwater.cli.verb import verb
from headwater.projections.projection import find

__all__ = ["cancel", "drop_previous", "switch_back"]


@verb
async def cancel(
    projection: ProjectionArgument,
    by: ByOption = "",
    app: AppOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """End a rebuild: drop the generation that is being built. What is served stays as it is."""
    async with application(app, rebuilding=True) as cqrs:
        name = find(cqrs.synchronizer.projections, projection).name
        if not confirmed(f"drop what is being built of projection {name!r}", dry_run=dry_run, yes=yes):
            return
        was_building = await cqrs.synchronizer.cancel_rebuild(name, by)
    if as_json:
        print_json({"projection": name, "cancelled": was_building})
    else:
        say(f"{name}: what was being built is dropped" if was_building else f"{name}: nothing is being built")


@verb
async def switch_back(
    projection: ProjectionArgument, by: ByOption = "", app: AppOption = None, as_json: JsonOption = False
) -> None:
    """Serve the generation that was served before, at once; another switch-back undoes it.

    It goes on from where it was left. Processes whose code declares a later version must be stopped first: they would
    build that version again.
    """
    async with application(app, rebuilding=True) as cqrs:
        name = find(cqrs.synchronizer.projections, projection).name
        served = await cqrs.synchronizer.switch_back(name, by)
    if as_json:
        print_json({"projection": name, "generation": served.number, "version": served.version})
    else:
        say(f"{name}: generation {served.number}, of version {served.version}, is served again")


@verb
async def drop_previous(
    projection: ProjectionArgument,
    by: ByOption = "",
    app: AppOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Forget the generation that was served before; there is no way back to it then."""
    async with application(app, rebuilding=True) as cqrs:
        name = find(cqrs.synchronizer.projections, projection).name
        deed = f"forget the earlier generation of projection {name!r}, so that nobody can switch back to it"
        if not confirmed(deed, dry_run=dry_run, yes=yes):
            return
        was_kept = await cqrs.synchronizer.drop_previous(name, by)
    if as_json:
        print_json({"projection": name, "dropped": was_kept})
    else:
        say(f"{name}: the earlier generation is forgotten" if was_kept else f"{name}: no earlier generation is kept")
