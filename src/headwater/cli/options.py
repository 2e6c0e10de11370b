"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

__all__ = [
    "AppOption",
    "ByOption",
    "DryRunOption",
    "JsonOption",
    "LimitOption",
    "ParkedOffset",
    "ParkedPartition",
    "ParkingProjection",
    "ProjectionArgument",
    "ReadUrlOption",
    "UrlOption",
    "YesOption",
]

UrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--url", envvar="HEADWATER_URL", metavar="URL", help="The store, as in sqlite:///shop.db."),
]
ReadUrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--read-url",
        envvar="HEADWATER_READ_URL",
        metavar="URL",
        help="Where read models and checkpoints are kept, if not in the store at --url.",
    ),
]
AppOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--app",
        envvar="HEADWATER_APP",
        metavar="MODULE:NAME",
        help="A CQRSManager, or a function without arguments that returns one.",
    ),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRunOption: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")]
YesOption: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
ByOption: TypeAlias = Annotated[
    str, typer.Option("--by", metavar="NAME", help="Who does it, for the journal; else the user, host and process.")
]
LimitOption: TypeAlias = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]
ProjectionArgument: TypeAlias = Annotated[str, typer.Argument(help="A projection, or a read model that it writes.")]
ParkingProjection: TypeAlias = Annotated[str, typer.Argument(help="The projection that parked it.")]
ParkedOffset: TypeAlias = Annotated[int, typer.Argument(min=0, help="The event's offset.")]
ParkedPartition: TypeAlias = Annotated[int, typer.Option("--partition", min=0, help="The event's partition.")]
