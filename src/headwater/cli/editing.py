"""`headwater dlq edit`: other data for a parked event."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from headwater.cli.opening import application
from headwater.cli.options import AppOption, ByOption, JsonOption, ParkedOffset, ParkedPartition, ParkingProjection
from headwater.cli.parked import data_of, parked_at
from headwater.cli.printing import print_json, say
from headwater.cli.verb import verb
from headwater.errors import ConfigurationError, InvalidMessage
from headwater.projections.projection import find

__all__ = ["edit"]


@verb
async def edit(
    projection: ParkingProjection,
    offset: ParkedOffset,
    partition: ParkedPartition = 0,
    data: Annotated[str | None, typer.Option("--data", metavar="JSON", help="The whole of its data.")] = None,
    by: ByOption = "",
    app: AppOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace the data that a retry of a parked event will use. The log itself never changes.

    It lasts until the next rebuild, reset or new version, which take the data of the log again.
    The data is taken from --data, else from standard input; on a terminal $EDITOR is opened on what there is.
    """
    async with application(app) as cqrs:
        name = find(cqrs.synchronizer.projections, projection).name
        event = await parked_at(cqrs.engine, name, partition, offset)
        before = await data_of(cqrs.engine, event)
        text = data if data is not None else await asyncio.to_thread(_asked_for, before)
        given = _parsed(text)
        is_new = given != _parsed(before)
        if is_new:
            await cqrs.synchronizer.dead_letters.edit(name, offset, given, partition, by)
    if as_json:
        print_json({"place": f"{partition}:{offset}", "projection": name, "edited": is_new, "data": given})
    elif is_new:
        say(f"edited: `headwater dlq retry {name} --offset {offset}` handles it")
        say("a rebuild, a reset or a new version takes the data of the log again")
    else:
        say("nothing is changed: it is the data as it was")


def _asked_for(before: bytes) -> str:
    """From standard input, or from whoever sits before the terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.read()
    return _edited(msgspec.json.format(before, indent=2).decode() + "\n")


def _edited(text: str) -> str:
    """What the editor leaves of it. Raises ConfigurationError where it cannot be run or does not end well."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="headwater-") as folder:
        file = Path(folder, "event.json")
        file.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(file)], check=True)  # noqa: S603  # the user's own choice
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise ConfigurationError(f"the editor {editor!r} failed ({error}): set EDITOR, or use --data") from error
        return file.read_text(encoding="utf-8")


def _parsed(text: str | bytes) -> dict[str, object]:
    """Raises InvalidMessage."""
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise InvalidMessage(f"an event's data is a JSON object, and this is none: {error}") from error
