"""`headwater backup`: a consistent copy while the store is in use."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.bars import bar
from headwater.cli.opening import store
from headwater.cli.options import AppOption, JsonOption, UrlOption
from headwater.cli.printing import print_json, say
from headwater.cli.verb import verb
from headwater.errors import ConfigurationError
from headwater.ports.admin import Backup

__all__ = ["backup"]


@verb
async def backup(
    target: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    url: UrlOption = None,
    app: AppOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the store into a file that opens as a store."""
    async with store(url, app) as engine:
        if not isinstance(engine, Backup):
            raise ConfigurationError(f"{engine.name} has no backup of its own: it is for sqlite:/// stores")
        with bar() as shown:
            shown.begin("pages", None)
            async for done, total in engine.backup(target):
                shown.reached(done, total)
    size = (await asyncio.to_thread(target.stat)).st_size
    if as_json:
        print_json({"backup": str(target), "size_bytes": size})
    else:
        say(f"{target}: {size:,} bytes")
