"""`headwater verify`: every stored byte against its checksum."""

from __future__ import annotations

import msgspec

from headwater.cli.bars import bar
from headwater.cli.exits import ExitCode
from headwater.cli.opening import store
from headwater.cli.options import AppOption, JsonOption, ReadUrlOption, UrlOption
from headwater.cli.printing import print_json, print_rows, say
from headwater.cli.verb import verb
from headwater.ports.admin import Finding

__all__ = ["print_findings", "verdict", "verify"]

FINDING_COLUMNS = ("severity", "what", "where")


@verb
async def verify(
    url: UrlOption = None, read_url: ReadUrlOption = None, app: AppOption = None, as_json: JsonOption = False
) -> ExitCode | None:
    """Check every stored byte and count; exits with 1 if something is damaged."""
    findings: list[Finding] = []
    checked = 0
    async with store(url, app, read_url) as engine:
        with bar() as shown:
            shown.begin("verify", (await engine.admin.info()).events)
            async for step in engine.admin.verify():
                if isinstance(step, Finding):
                    findings.append(step)
                else:
                    checked = step
                    shown.reached(checked)
    if as_json:
        print_json({"events": checked, "findings": msgspec.to_builtins(findings)})
    else:
        print_findings(findings)
        say(f"{checked:,} events checked, {len(findings)} findings")
    return verdict(findings)


def print_findings(findings: list[Finding]) -> None:
    """A table, if there is anything to say."""
    if findings:
        print_rows([msgspec.to_builtins(finding) for finding in findings], FINDING_COLUMNS, as_json=False)


def verdict(findings: list[Finding]) -> ExitCode | None:
    """WRONG if one of them is an error; a warning alone is none."""
    return ExitCode.WRONG if any(finding.severity == "error" for finding in findings) else None
