"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

__all__ = ["AppOption", "DryRunOption", "JsonOption", "UrlOption", "YesOption"]

UrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--url", envvar="HEADWATER_URL", metavar="URL", help="The store, as in sqlite:///shop.db."),
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
