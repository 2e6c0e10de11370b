"""`headwater restore`: a backup in the place of a store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.confirming import confirmed
from headwater.cli.opening import sqlite_path
from headwater.cli.options import DryRunOption, JsonOption, UrlOption, YesOption
from headwater.cli.printing import print_json, say
from headwater.cli.verb import verb
from headwater.engines.sqlite import restore as restore_file
from headwater.errors import StoreUnavailable

__all__ = ["restore"]


@verb
async def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="A file that `headwater backup` wrote.")],
    url: UrlOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put a backup, once checked, in the place of the store at --url; close everything that uses it first."""
    target = sqlite_path(url)
    if not await asyncio.to_thread(source.is_file):
        raise StoreUnavailable(f"there is no backup {str(source)!r}: check the path")
    replaces = await asyncio.to_thread(target.exists)
    deed = f"replace the store {str(target)!r} by {str(source)!r}" if replaces else f"restore into {str(target)!r}"
    if not confirmed(deed, dry_run=dry_run, yes=yes or not replaces):
        return
    await asyncio.to_thread(restore_file, source, target)
    if as_json:
        print_json({"restored": str(target), "from": str(source)})
    else:
        say(f"{target}: restored from {source}")
