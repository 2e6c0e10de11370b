"""The program: every verb in its place."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Annotated

import typer

from headwater.cli.backup import backup
from headwater.cli.consistency import consistency
from headwater.cli.copy import copy
from headwater.cli.demo import demo
from headwater.cli.dlq import dlq
from headwater.cli.doctor import doctor
from headwater.cli.engines import engines
from headwater.cli.exits import EXIT_CODES
from headwater.cli.journal import journal
from headwater.cli.projections import projections
from headwater.cli.restore import restore
from headwater.cli.run import run
from headwater.cli.status import status
from headwater.cli.streams import streams
from headwater.cli.verify import verify

__all__ = ["program"]

program = typer.Typer(
    name="headwater", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, epilog=EXIT_CODES
)


def print_version(wanted: bool) -> None:
    """For `--version`, whatever else is on the line."""
    if wanted:
        typer.echo(version_of("headwater"))
        raise typer.Exit


@program.callback()
def headwater(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=print_version)
    ] = False,
) -> None:
    """CQRS and event sourcing on one store."""


program.add_typer(demo, name="demo")
program.command("run")(run)
program.command("status")(status)
program.add_typer(streams, name="streams")
program.add_typer(projections, name="projections")
program.add_typer(dlq, name="dlq")
program.add_typer(consistency, name="consistency")
program.command("journal")(journal)
program.command("verify")(verify)
program.command("backup")(backup)
program.command("restore")(restore)
program.command("copy")(copy)
program.command("doctor")(doctor)
program.add_typer(engines, name="engines")
