"""`headwater journal`: who did what to the read side."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from headwater.cli.opening import store
from headwater.cli.options import AppOption, JsonOption, LimitOption, ReadUrlOption, UrlOption
from headwater.cli.printing import Row, print_rows
from headwater.cli.verb import verb
from headwater.domain.metadata import from_micros
from headwater.ports.journal import Entry

__all__ = ["journal"]

COLUMNS = ("at", "by", "action", "subject", "outcome", "details")
SHOWN: Final = 120
"""Characters of the details in a table."""


@verb
async def journal(
    url: UrlOption = None,
    read_url: ReadUrlOption = None,
    app: AppOption = None,
    action: Annotated[
        str | None, typer.Option("--action", help="Of this action only, or of all of a kind, as in 'projection.*'.")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Of this subject only.")] = None,
    limit: LimitOption = 100,
    as_json: JsonOption = False,
) -> None:
    """Show who did what to projections and parked events, and what checks showed; the newest first."""
    async with store(url, app, read_url) as engine:
        entries = await engine.journal.entries(action=action, subject=subject, limit=limit)
    print_rows([_row(entry, as_json) for entry in entries], COLUMNS, as_json=as_json)


def _row(entry: Entry, as_json: bool) -> Row:
    details = entry.details
    if not as_json and len(details) > SHOWN:
        details = details[:SHOWN] + "…"
    return {
        "at": from_micros(entry.at),
        "by": entry.by,
        "action": entry.action,
        "subject": entry.subject,
        "outcome": entry.outcome,
        "details": details,
    }
