"""`headwater doctor`: settings and surroundings that endanger the promises."""

from __future__ import annotations

import msgspec

from headwater.cli.exits import ExitCode
from headwater.cli.opening import store
from headwater.cli.options import AppOption, JsonOption, ReadUrlOption, UrlOption
from headwater.cli.printing import print_json, say
from headwater.cli.verb import verb
from headwater.cli.verify import print_findings, verdict

__all__ = ["doctor"]


@verb
async def doctor(
    url: UrlOption = None, read_url: ReadUrlOption = None, app: AppOption = None, as_json: JsonOption = False
) -> ExitCode | None:
    """Look for what may go wrong; exits with 1 if something is."""
    async with store(url, app, read_url) as engine:
        findings = list(await engine.admin.doctor())
    if as_json:
        print_json(msgspec.to_builtins(findings))
    else:
        print_findings(findings)
        say(f"{len(findings)} findings" if findings else "nothing to complain about")
    return verdict(findings)
