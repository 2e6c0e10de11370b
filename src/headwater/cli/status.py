"""`headwater status`: the store and its projections at a glance."""

from __future__ import annotations

import msgspec

from headwater.cli.exits import ExitCode
from headwater.cli.opening import store
from headwater.cli.options import AppOption, JsonOption, ReadUrlOption, UrlOption
from headwater.cli.printing import print_facts, print_json, say
from headwater.cli.standing import print_standing, standing, standing_row
from headwater.cli.verb import verb

__all__ = ["status"]


@verb
async def status(
    url: UrlOption = None, read_url: ReadUrlOption = None, app: AppOption = None, as_json: JsonOption = False
) -> ExitCode | None:
    """Show how large the store is, how far each projection is, and which of them lag, fail or stand still."""
    async with store(url, app, read_url) as engine:
        info = await engine.admin.info()
        projections = await standing(engine)
    facts: dict[str, object] = msgspec.to_builtins(info)
    if as_json:
        print_json(facts | {"projections": [standing_row(one) for one in projections]})
        return None
    print_facts({name: value for name, value in facts.items() if name != "details"} | info.details)
    if projections:
        say("")
        print_standing(projections, as_json=False)
    return None
