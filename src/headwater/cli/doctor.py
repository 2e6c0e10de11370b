"""`headwater doctor`: settings and surroundings that endanger the promises."""

from __future__ import annotations

import msgspec

from headwater.cli.exits import ExitCode
from headwater.cli.opening import store
from headwater.cli.options import AppOption, JsonOption, ReadUrlOption, UrlOption
from headwater.cli.printing import print_json, say
from headwater.cli.verb import verb
from headwater.cli.verify import print_findings, verdict
from headwater.ports.admin import Finding
from headwater.ports.engine import Engine

__all__ = ["doctor"]


@verb
async def doctor(
    url: UrlOption = None, read_url: ReadUrlOption = None, app: AppOption = None, as_json: JsonOption = False
) -> ExitCode | None:
    """Look for what may go wrong; exits with 1 if something is."""
    async with store(url, app, read_url) as engine:
        findings = [*await engine.admin.doctor(), *await _parked(engine), *await _checks(engine)]
    if as_json:
        print_json(msgspec.to_builtins(findings))
    else:
        print_findings(findings)
        say(f"{len(findings)} findings" if findings else "nothing to complain about")
    return verdict(findings)


async def _parked(engine: Engine) -> list[Finding]:
    """A warning for each generation that is served and has parked events."""
    found: list[Finding] = []
    for generation in await engine.generations.all():
        if generation.state == "serving":
            queues = await engine.parking.queues(generation.projection, generation.number)
            if events := sum(queue.events for queue in queues):
                what = f"{events:,} events are parked: see `headwater dlq ls --projection {generation.projection}`"
                found.append(Finding(severity="warning", what=what, where=generation.projection))
    return found


async def _checks(engine: Engine) -> list[Finding]:
    """A warning for each consistency check whose newest result that is kept is no good one."""
    newest: dict[str, str] = {}
    for entry in await engine.journal.entries(action="check.*", limit=1_000):
        newest.setdefault(entry.subject, entry.outcome)
    what = "its last run was {}: see `headwater journal --action check.{}`"
    return [
        Finding(severity="warning", what=what.format(outcome, name), where=name)
        for name, outcome in sorted(newest.items())
        if outcome in ("inconsistent", "failed")
    ]
