"""Confirming: what destroys asks first, unless told --yes; --dry-run only says what would happen."""

from __future__ import annotations

import sys

import typer

from headwater.cli.printing import say, visible
from headwater.errors import InvalidInput

__all__ = ["confirmed"]


def confirmed(what: str, *, dry_run: bool, yes: bool) -> bool:
    """True if it is to be done. Raises InvalidInput where nobody can be asked and --yes was not given."""
    if dry_run:
        say(f"would {what}")
        return False
    if yes:
        return True
    if not sys.stdin.isatty():
        raise InvalidInput(f"this would {what}: say --yes, or --dry-run to only look")
    return typer.confirm(f"{visible(what)}?")
