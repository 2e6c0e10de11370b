"""`headwater copy`: a store into another one, on whatever engine, proved by hash; run again it goes on where it was."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer

from headwater.cli.bars import Bar, bar
from headwater.cli.exits import ExitCode
from headwater.cli.opening import store
from headwater.cli.options import JsonOption
from headwater.cli.printing import complain, print_json, say
from headwater.cli.verb import verb
from headwater.copying import Copied, StoreCopy
from headwater.errors import ConfigurationError
from headwater.opening import open_engine
from headwater.ports.engine import EngineOptions

__all__ = ["copy"]


@verb
async def copy(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The store's URL; it may be in use.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A URL where no store is, or an unfinished copy.")],
    as_json: JsonOption = False,
) -> None:
    """Copy events, command records and unique keys; projections rebuild on the copy.

    Event ids, versions, timestamps and the order of streams are kept, positions are new. In the end the whole copy is
    read and compared; exits with 1 where it differs. Run again it goes on where it was, and takes what came meanwhile.
    """
    if urlsplit(target).scheme == "memory":
        raise ConfigurationError("a copy in memory would be gone with this command: name a store that lasts")
    async with store(source) as here:
        there = open_engine(target, EngineOptions())
        identity = await there.open()
        try:
            with bar() as shown:
                copied = await StoreCopy(here, there, _Told(shown)).run((await here.open()).store_id, identity.store_id)
        finally:
            await there.close()
    _show(copied, as_json)
    if copied.differences:
        raise typer.Exit(ExitCode.WRONG)


class _Told:
    """Shows how far each phase is."""

    def __init__(self, shown: Bar) -> None:
        self._shown = shown
        self._phase = ""

    def __call__(self, phase: str, done: int, total: int | None) -> None:
        if phase != self._phase:
            self._phase = phase
            self._shown.begin(phase, total)
        self._shown.reached(done, total)


def _show(copied: Copied, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(copied))
        return
    for difference in copied.differences:
        complain(difference)
    counts = f"{copied.streams:,} streams, {copied.events:,} events, {copied.commands:,} commands, {copied.keys:,} keys"
    if not copied.differences:
        say(f"equal in both: {counts}; {copied.new_events:,} events are new; digest {copied.digest}")
    for projection, events in copied.owed.items():
        complain(
            f"{projection!r} was {events:,} events behind: on the copy it has its side effects, if any, from the first "
            "event on; to have none again, let it run in the source to the end and copy again"
        )
    if copied.behind:
        say(f"{copied.behind:,} events came to the source meanwhile: stop what writes to it and run this again")
