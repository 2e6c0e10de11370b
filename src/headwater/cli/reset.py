"""`headwater projections reset`: starting over in place."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.cli.confirming import confirmed
from headwater.cli.opening import application
from headwater.cli.options import AppOption, ByOption, DryRunOption, JsonOption, ProjectionArgument, YesOption
from headwater.cli.printing import print_json, say
from headwater.cli.verb import verb
from headwater.errors import InvalidInput
from headwater.projections.projection import find

__all__ = ["reset"]


@verb
async def reset(
    projection: ProjectionArgument,
    partition: Annotated[int | None, typer.Option("--partition", min=0, help="This partition only.")] = None,
    stream: Annotated[str | None, typer.Option("--stream", help="This stream only, as in user-u1.")] = None,
    by: ByOption = "",
    app: AppOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Empty what is served of a projection and start over, in place: rows are missing until it has caught up.

    `rebuild` does the same beside, without a gap. A partition or a stream can be reset where each row is fed by one
    stream, and the rest goes on meanwhile.
    """
    if partition is not None and stream is not None:
        raise InvalidInput("a reset is of a partition or of a stream: name one of them")
    async with application(app, rebuilding=True) as cqrs:
        found = find(cqrs.synchronizer.projections, projection)
        only = "" if partition is None else f" of partition {partition}"
        only = only if stream is None else f" of stream {stream}"
        deed = f"empty the rows{only} in {', '.join(found.tables)}, and have projection {found.name!r} start over there"
        if not confirmed(deed, dry_run=dry_run, yes=yes):
            return
        await cqrs.synchronizer.reset(found.name, partition=partition, stream=stream, by=by)
    if as_json:
        print_json({"projection": found.name, "partition": partition, "stream": stream, "reset": True})
    elif stream is not None:
        say(f"{found.name}: stream {stream} was projected anew")
    else:
        say(f"{found.name} starts over{only}: whoever runs it fills it again")
